import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OmgError } from '../errors/index.ts';
import type { BlobStore } from './blob-store.ts';
import { componentsOf, modelPath } from './components.ts';
import { linkOrCopy } from './file-linking.ts';
import { acquireLock } from './lock-file.ts';
import { formatOf, groupGguf, isGguf, projectorOf, roleOf, selectSafetensors } from './model-files.ts';
import { displayName } from './names.ts';
import { assertSafeFilename } from './safe-filename.ts';
import { asStoreChange } from './store-error.ts';
import type { Artifact, ComponentRole, InstallRecord, ModelName, ModelProfile } from './types.ts';

export interface BlobsInput {
  name: ModelName;
  /** File name → sha256 of a blob that is in the store. */
  files: Record<string, string>;
  profile?: ModelProfile;
  contextLength?: number;
}

/** The files of a model laid out as the engine opens them, for as long as `use` runs. */
export interface StagedModel {
  /** What the engine opens. */
  path: string;
  artifacts: Artifact[];
}

/**
 * Installs a model whose files were uploaded as blobs. `inspect` reads the headers with the engine; what it throws refuses the model.
 * Throws `invalid_request`, `no_model_files`, `unsupported`, `unsafe_file_name`.
 */
export async function installBlobs(
  library: BlobStore,
  input: BlobsInput,
  inspect: (path: string) => Promise<unknown>,
): Promise<InstallRecord> {
  return await withStagedBlobs(library, input.files, async ({ path, artifacts }) => {
    await inspect(path);
    return await library.install({
      name: input.name,
      source: { scheme: 'local', reference: displayName(input.name), revision: { branch: 'local' } },
      artifacts,
      ...(input.profile === undefined ? {} : { profile: input.profile }),
      ...(input.contextLength === undefined ? {} : { contextLength: input.contextLength }),
    });
  });
}

/** Gives blobs their names in a folder of their own, which is gone afterwards. Nothing collects the blobs meanwhile. */
export async function withStagedBlobs<T>(
  library: BlobStore,
  files: Record<string, string>,
  use: (staged: StagedModel) => Promise<T>,
): Promise<T> {
  return await asStoreChange('create the model', async () => {
    const { layout } = library;
    const lease = await library.lease(Object.values(files));
    await mkdir(layout.partial, { recursive: true });
    const key = `create-${randomUUID()}`;
    const folder = join(layout.partial, `${key}.files`);
    const lock = await acquireLock(join(layout.partial, `${key}.lock`));
    let done = false;
    try {
      const artifacts = chooseFiles(await blobArtifacts(library, files));
      for (const { filename, sha256 } of artifacts) {
        const blob = (await library.findBlob(sha256)) ?? layout.blob(sha256);
        // A blob that lives in another model's folder gets its own name back, since an install goes by those.
        if (blob !== layout.blob(sha256)) {
          await mkdir(layout.blobs, { recursive: true });
          await linkOrCopy(blob, layout.blob(sha256));
        }
        await linkOrCopy(blob, join(folder, filename));
      }
      const path = modelPath({ localPath: folder, components: componentsOf(artifacts) });
      const result = await use({ path, artifacts });
      done = true;
      return result;
    } finally {
      await rm(folder, { recursive: true, force: true });
      await lock.release();
      // Whoever mends the request need not upload again.
      if (done) await lease.end();
      else await lease.abandon();
    }
  });
}

async function blobArtifacts(library: BlobStore, files: Record<string, string>): Promise<Artifact[]> {
  const artifacts: Artifact[] = [];
  for (const [given, sha256] of Object.entries(files)) {
    assertSafeFilename(given);
    const path = await library.findBlob(sha256);
    if (path === undefined) {
      throw new OmgError('invalid_request', `There is no blob sha256:${sha256} for ${JSON.stringify(given)}.`, {
        hint: 'Upload it first: POST /api/blobs/sha256:….',
        detail: { param: 'files' },
      });
    }
    const filename = await namedByContent(given, path);
    artifacts.push({ filename, size: (await stat(path)).size, sha256, format: formatOf(filename) });
  }
  return artifacts;
}

/** Clients name a file of another store by its digest; what it holds says what it is. */
async function namedByContent(filename: string, path: string): Promise<string> {
  const plain = isGguf(filename) || /\.(?:safetensors|json|txt|jinja|md|model)$/i.test(filename);
  if (plain) return filename;
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(4);
    await file.read(head, 0, 4, 0);
    return head.toString('latin1') === 'GGUF' ? `${filename.replace(/\.bin$/i, '')}.gguf` : filename;
  } finally {
    await file.close();
  }
}

const USED_ROLES = new Set<ComponentRole | undefined>(['model', 'projector']);

function chooseFiles(artifacts: Artifact[]): Artifact[] {
  if (artifacts.some(({ filename }) => /(?:^|\/)adapter_(?:config\.json|model\.safetensors)$/i.test(filename))) {
    throw new OmgError('unsupported', 'Adapters are not supported.', {
      hint: 'Merge the adapter into its model first.',
    });
  }
  const other = artifacts.find(({ filename }) => isGguf(filename) && !USED_ROLES.has(roleOf(filename)));
  if (other !== undefined) {
    throw new OmgError('unsupported', `${other.filename} is no language model by itself, and is not supported.`, {
      hint: 'Leave adapters, importance matrices and vocabularies out.',
    });
  }
  const safetensors = selectSafetensors(artifacts);
  if (safetensors.length > 0) return safetensors;
  const sets = groupGguf(artifacts);
  if (sets.length === 1 && sets[0] !== undefined) {
    const projector = projectorOf(sets[0].files[0]?.filename ?? '', artifacts);
    return projector === undefined ? sets[0].files : [...sets[0].files, projector];
  }
  if (sets.length > 1)
    throw new OmgError('invalid_request', 'The files hold several GGUF models.', { hint: 'Give one.' });
  throw new OmgError('no_model_files', 'The files hold no model.', {
    hint: 'A model is a GGUF file with all of its shards, or config.json and model.safetensors (all shards).',
  });
}
