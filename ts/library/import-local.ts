import { randomUUID } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import { copyFile, lstat, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { OmgError } from '../errors/index.ts';
import type { BlobStore } from './blob-store.ts';
import { hashFile } from './file-hasher.ts';
import { tryLink } from './file-linking.ts';
import { findLocalModel, type LocalFile, type LocalModel } from './local-model.ts';
import { acquireLock } from './lock-file.ts';
import { digestOf } from './manifest.ts';
import { formatOf } from './model-files.ts';
import { DEFAULT_HOST, displayName, LOCAL_HOST, nameKey, parseModelName, toNamePart } from './names.ts';
import { asStoreChange } from './store-error.ts';
import { openRegular } from './stranger-file.ts';
import type { Artifact, InstallRecord, ModelName } from './types.ts';

export interface ImportOptions {
  /** Absent: made from the file's or folder's name. */
  name?: string;
  /** `link` shares the bytes with the original file; `copy` makes the store independent of it. Default `link`. */
  mode?: 'link' | 'copy';
  /** Reads the headers with the engine; what it throws refuses the import. */
  inspect?: (path: string) => Promise<unknown>;
  signal?: AbortSignal;
  onProgress?: (progress: { completedBytes: number; totalBytes: number }) => void;
}

export interface ImportResult {
  record: InstallRecord;
  /** `in-place`: links cannot be made between the two disks, so the model uses the original files where they are. */
  method: 'linked' | 'copied' | 'in-place';
}

/** Installs a GGUF file or a safetensors folder of this machine. The original files stay as they are. */
export async function importLocal(
  library: BlobStore,
  path: string,
  options: ImportOptions = {},
): Promise<ImportResult> {
  try {
    return await asStoreChange('import the model', () => importModel(library, path, options));
  } catch (error) {
    if (!options.signal?.aborted) throw error;
    throw new OmgError('cancelled', 'The import was stopped. Nothing was installed.', { cause: error });
  }
}

async function importModel(library: BlobStore, path: string, options: ImportOptions): Promise<ImportResult> {
  const model = await findLocalModel(path);
  await options.inspect?.(model.path);
  const name = importName(model, options.name);
  const totalBytes = model.files.reduce((sum, { size }) => sum + size, 0);
  if (options.mode === 'copy') await library.ensureSpace(totalBytes);

  await mkdir(library.layout.partial, { recursive: true });
  const key = `import-${randomUUID()}`;
  const lock = await acquireLock(join(library.layout.partial, `${key}.lock`));
  const staged: StagedFile[] = [];
  try {
    let completedBytes = 0;
    for (const [index, file] of model.files.entries()) {
      const at = join(library.layout.partial, `${key}.${index}`);
      const entry = await stageFile(file, at, options, (bytes) => {
        options.onProgress?.({ completedBytes: completedBytes + bytes, totalBytes });
      });
      staged.push(entry);
      completedBytes += file.size;
    }
    options.signal?.throwIfAborted();
    return await installStaged(library, model, name, staged, options);
  } finally {
    for (const { stagedPath } of staged) if (stagedPath !== undefined) await rm(stagedPath, { force: true });
    await lock.release();
  }
}

interface StagedFile {
  artifact: Artifact;
  /** A link or copy below `partial/`; absent where neither was made. */
  stagedPath?: string;
}

async function stageFile(
  file: LocalFile,
  at: string,
  options: ImportOptions,
  onHashed: (bytes: number) => void,
): Promise<StagedFile> {
  let stagedPath: string | undefined;
  try {
    if (options.mode === 'copy') {
      stagedPath = at;
      await copyRegular(file.path, at);
    } else if (await tryLink(file.path, at)) {
      stagedPath = at;
      await assertRegular(at, file.path);
    }
    const from = stagedPath ?? file.path;
    const sha256 = await hashFile(from, { signal: options.signal, onHashed });
    const { size } = await stat(from);
    if (size !== file.size) throw new OmgError('conflict', `${file.path} changes while it is imported.`);
    const artifact = { filename: file.filename, size, sha256, format: formatOf(file.filename) };
    return stagedPath === undefined ? { artifact } : { artifact, stagedPath };
  } catch (error) {
    if (stagedPath !== undefined) await rm(stagedPath, { force: true });
    throw error;
  }
}

/** Copies by way of a link where there can be one: what that leads to cannot be exchanged any more, and blocks can be shared. */
async function copyRegular(from: string, to: string): Promise<void> {
  const link = `${to}.link`;
  if (await tryLink(from, link)) {
    try {
      await assertRegular(link, from);
      await copyFile(link, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    } finally {
      await rm(link, { force: true });
    }
    return;
  }
  const { handle } = await openRegular(from);
  await pipeline(handle.createReadStream({ highWaterMark: 1 << 20 }), createWriteStream(to, { flags: 'wx' }));
}

/** @param link a name of our own for what was found at the path. */
async function assertRegular(link: string, path: string): Promise<void> {
  if ((await lstat(link)).isFile()) return;
  throw new OmgError('conflict', `${path} was exchanged while it was imported.`);
}

async function installStaged(
  library: BlobStore,
  model: LocalModel,
  name: ModelName,
  staged: readonly StagedFile[],
  options: ImportOptions,
): Promise<ImportResult> {
  const artifacts = staged.map(({ artifact }) => artifact);
  if (options.name === undefined) await refuseOtherModel(library, name, artifacts);
  const inPlace = staged.some(({ stagedPath }) => stagedPath === undefined);
  const lease = await library.lease(artifacts.map(({ sha256 }) => sha256));
  try {
    if (!inPlace) for (const file of staged) await adoptStaged(library, file);
    const record = await library.install({
      name,
      source: { scheme: 'local', reference: model.path, revision: { branch: 'local' } },
      artifacts,
      ...(inPlace ? { inPlace: model.folder } : {}),
    });
    return { record, method: inPlace ? 'in-place' : options.mode === 'copy' ? 'copied' : 'linked' };
  } finally {
    await lease.end();
  }
}

async function adoptStaged(library: BlobStore, { artifact, stagedPath }: StagedFile): Promise<void> {
  if (stagedPath === undefined) return;
  const blob = library.layout.blob(artifact.sha256);
  await mkdir(library.layout.blobs, { recursive: true });
  const existing = await stat(blob).catch(() => undefined);
  if (existing?.size !== artifact.size) await rename(stagedPath, blob);
}

function importName(model: LocalModel, given: string | undefined): ModelName {
  const { name } = parseModelName(given ?? toNamePart(model.title, 'model'));
  return name.host === DEFAULT_HOST ? { ...name, host: LOCAL_HOST } : name;
}

/** A name that nobody chose replaces nothing. */
async function refuseOtherModel(library: BlobStore, name: ModelName, artifacts: readonly Artifact[]): Promise<void> {
  const other = (await library.list()).find((record) => nameKey(record.name) === nameKey(name));
  if (other === undefined || other.digest === digestOf(artifacts)) return;
  throw new OmgError('conflict', `A model with the name ${displayName(name)} is installed already.`, {
    hint: 'Choose a name with --name.',
  });
}
