import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, TEMPORARY_PREFIX } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import { componentsOf } from './components.ts';
import { linkOrCopy } from './file-linking.ts';
import { digestOf, sizeOf, writeManifest } from './manifest.ts';
import { assertSafeFilename } from './safe-filename.ts';
import type { StoreLayout } from './store-layout.ts';
import type { Artifact, Component, InstallRecord, ModelName, ModelOrigin, ModelProfile } from './types.ts';

/** What becomes a model. Every artifact's blob is in the store already. */
export interface InstallInput {
  name: ModelName;
  source: ModelOrigin;
  artifacts: Artifact[];
  /** Absent: what the names of the files say. */
  components?: Component[];
  /** Absolute folder of files that stay where they are; the store then only refers to them. */
  inPlace?: string;
  contextLength?: number;
  profile?: ModelProfile;
}

/** A blob is gone that was there before: another process removed the model it belonged to. */
export class MissingBlobError extends OmgError {}

/** The points between which a crash may come; each is reported before it is done. */
export type InstallStep = 'stage' | 'place' | 'manifest' | 'clean';

/**
 * Makes the files and the manifest of a model. Needs the store's lock. The rename of the manifest is the moment of the
 * install: before it nothing refers to the new folder, after it everything does.
 */
export async function commitInstall(
  input: InstallInput,
  layout: StoreLayout,
  onStep: (step: InstallStep) => void,
): Promise<InstallRecord> {
  for (const { filename } of input.artifacts) assertSafeFilename(filename);
  assertDistinct(input.artifacts);
  const digest = digestOf(input.artifacts);
  const folder = input.inPlace ?? join(layout.root, layout.modelFolder(input.name, digest));
  const record: InstallRecord = {
    name: input.name,
    source: input.source,
    artifacts: input.artifacts,
    components: input.components ?? componentsOf(input.artifacts),
    localPath: folder,
    installedAt: new Date().toISOString(),
    digest: digestOf(input.artifacts, input.profile),
    sizeBytes: sizeOf(input.artifacts),
    ...(input.contextLength === undefined ? {} : { contextLength: input.contextLength }),
    ...(input.profile === undefined ? {} : { profile: input.profile }),
  };
  let copied: string[] = [];
  if (input.inPlace === undefined && !(await isComplete(folder, input.artifacts, layout))) {
    copied = await placeFiles(folder, input.artifacts, layout, onStep);
  }
  onStep('manifest');
  await mkdir(layout.manifests, { recursive: true });
  await writeManifest(record, layout);
  // Where files cannot be linked the folder holds the bytes itself and a blob would hold them twice.
  for (const path of copied) await rm(path, { force: true });
  return record;
}

async function placeFiles(
  folder: string,
  artifacts: readonly Artifact[],
  layout: StoreLayout,
  onStep: (step: InstallStep) => void,
): Promise<string[]> {
  onStep('stage');
  const staging = join(layout.files, `${TEMPORARY_PREFIX}${randomUUID()}`);
  const copied: string[] = [];
  try {
    await mkdir(staging, { recursive: true });
    for (const artifact of artifacts) {
      const blob = layout.blob(artifact.sha256);
      const found = await stat(blob).catch(() => undefined);
      if (found?.size !== artifact.size) {
        throw new MissingBlobError(
          'conflict',
          `${artifact.filename} was removed from the store while it was installed.`,
          {
            hint: 'Pull the model again.',
          },
        );
      }
      if ((await linkOrCopy(blob, join(staging, artifact.filename))) === 'copied') copied.push(blob);
    }
    await syncFolder(staging);
    onStep('place');
    await mkdir(dirname(folder), { recursive: true });
    // An incomplete folder of the same digest, left by a crash or damaged by hand, makes room.
    const old = join(layout.files, `${TEMPORARY_PREFIX}${randomUUID()}`);
    const replaced = await rename(folder, old).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
    await rename(staging, folder);
    if (replaced) await rm(old, { recursive: true, force: true });
    await syncFolder(dirname(folder));
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
  return copied;
}

/** Whether the folder of the same digest can stay as it is: every file is there, and is the blob where there is one. */
async function isComplete(folder: string, artifacts: readonly Artifact[], layout: StoreLayout): Promise<boolean> {
  for (const { filename, sha256, size } of artifacts) {
    const [file, blob] = await Promise.all([
      stat(join(folder, filename)).catch(() => undefined),
      stat(layout.blob(sha256)).catch(() => undefined),
    ]);
    if (file?.size !== size || (blob !== undefined && blob.ino !== file.ino)) return false;
  }
  return true;
}

function assertDistinct(artifacts: readonly Artifact[]): void {
  const seen = new Set<string>();
  for (const { filename } of artifacts) {
    // Systems that ignore case would put two files into one.
    const key = filename.toLowerCase();
    if (seen.has(key)) {
      throw new OmgError('unsafe_file_name', `Two files of the model have the name ${JSON.stringify(filename)}.`);
    }
    seen.add(key);
  }
}
