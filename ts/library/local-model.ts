import { opendir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { OmgError } from '../errors/index.ts';
import { groupGguf, isGguf, type NamedFile, parseShard, projectorOf, selectSafetensors } from './model-files.ts';
import { openRegular, withPathErrors } from './stranger-file.ts';

/** No model comes in more files; a folder that holds more is something else. */
const MOST_FILES = 10_000;

/** A model that lies in the user's own folders. */
export interface LocalModel {
  /** Absolute: the GGUF file, or the safetensors folder. */
  path: string;
  /** Absolute folder that the file names are relative to. */
  folder: string;
  files: LocalFile[];
  /** What a name can be made of. */
  title: string;
}

export interface LocalFile extends NamedFile {
  /** Absolute, with links followed. */
  path: string;
}

/**
 * The model at a path: a GGUF file with its other shards, or a folder. Throws `not_found`, `invalid_request` for what is neither,
 * `invalid_model_file`, `no_model_files`.
 */
export async function findLocalModel(path: string): Promise<LocalModel> {
  const absolute = resolve(path);
  return await withPathErrors(absolute, async () => {
    const stats = await stat(absolute);
    const model = stats.isDirectory() ? await modelOfFolder(absolute) : await modelOfFile(absolute);
    for (const file of model.files) await checkHeader(file);
    return model;
  });
}

async function modelOfFile(path: string): Promise<LocalModel> {
  const folder = dirname(path);
  const filename = basename(path);
  if (!isGguf(filename)) {
    throw new OmgError('invalid_model_file', `${path} is not a GGUF file.`, {
      hint: 'Give a .gguf file, or the folder of a safetensors model.',
    });
  }
  const shard = parseShard(filename);
  if (shard === undefined) return ggufModel(folder, [await localFile(folder, filename)]);
  const files = await localFiles(folder);
  const set = groupGguf(files).find(({ stem, files: found }) => stem === shard.stem && found.length === shard.count);
  if (set === undefined) {
    throw new OmgError(
      'invalid_model_file',
      `Some of the ${shard.count} files of ${shard.stem} are missing in ${folder}.`,
      {
        hint: 'Put all files of the set into one folder.',
      },
    );
  }
  return ggufModel(folder, set.files);
}

async function modelOfFolder(folder: string): Promise<LocalModel> {
  const files = await localFiles(folder);
  const safetensors = selectSafetensors(files);
  if (safetensors.length > 0) {
    return { path: folder, folder, files: safetensors, title: basename(folder) };
  }
  const sets = groupGguf(files);
  if (sets.length > 1) {
    throw new OmgError('invalid_request', `${folder} holds ${sets.length} GGUF models.`, {
      hint: `Name one of them: ${sets.map((set) => set.files[0]?.filename).join(', ')}.`,
    });
  }
  const [set] = sets;
  if (set === undefined) {
    throw new OmgError('no_model_files', `${folder} holds no model.`, {
      hint: 'A folder needs a GGUF file, or config.json and model.safetensors (all of its shards).',
    });
  }
  const projector = projectorOf(set.files[0]?.filename ?? '', files);
  return ggufModel(folder, projector === undefined ? set.files : [...set.files, projector]);
}

function ggufModel(folder: string, files: LocalFile[]): LocalModel {
  const first = files[0]?.filename ?? '';
  const title = parseShard(first)?.stem ?? first.replace(/\.gguf$/i, '');
  return { path: join(folder, first), folder, files, title };
}

async function localFiles(folder: string): Promise<LocalFile[]> {
  const names: string[] = [];
  for await (const { name } of await opendir(folder)) {
    if (names.push(name) <= MOST_FILES) continue;
    throw new OmgError('invalid_request', `${folder} holds more than ${MOST_FILES} files.`, {
      hint: 'Name the .gguf file, or put the files of the model into a folder of their own.',
    });
  }
  if (names.includes('1_Pooling')) names.push('1_Pooling/config.json');
  const files: LocalFile[] = [];
  for (const name of names) {
    const stats = await stat(join(folder, name)).catch(() => undefined);
    if (stats?.isFile()) files.push(await localFile(folder, name));
  }
  return files;
}

async function localFile(folder: string, filename: string): Promise<LocalFile> {
  const path = await realpath(join(folder, filename));
  return { filename, path, size: (await stat(path)).size };
}

/** Refuses what is plainly something else, before anything is hashed. The engine looks closer. */
async function checkHeader({ filename, path, size }: LocalFile): Promise<void> {
  const gguf = isGguf(filename);
  if (!gguf && !/\.safetensors$/i.test(filename)) return;
  const { handle } = await openRegular(path);
  try {
    const head = Buffer.alloc(8);
    const { bytesRead } = await handle.read(head, 0, 8, 0);
    const fits = head.readBigUInt64LE() <= BigInt(Math.max(0, size - 8));
    const valid = bytesRead === 8 && (gguf ? head.toString('latin1', 0, 4) === 'GGUF' : fits);
    if (valid) return;
  } finally {
    await handle.close();
  }
  throw new OmgError('invalid_model_file', `${path} is not a ${gguf ? 'GGUF' : 'safetensors'} file, or it is damaged.`);
}
