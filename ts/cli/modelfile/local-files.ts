import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { OmgError } from '../../errors/index.ts';

export interface LocalFile {
  /** Its name inside the model. */
  name: string;
  path: string;
  size: number;
}

const SHARD = /^(.*-)\d{5}(-of-\d{5}\.gguf)$/i;
/** What a model's folder holds besides its weights. */
const COMPANION = /\.(?:json|txt|jinja|model)$|^LICENSE/i;

/**
 * The files that a FROM line names, relative to the Modelfile's folder: a GGUF file with its shards, or what a folder holds of a model.
 * Undefined when it names no file, so that it is a model's name. Throws `not_found` when it can only be a path.
 */
export async function localFiles(from: string, folder: string): Promise<LocalFile[] | undefined> {
  const path = localPath(from, folder);
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) {
    if (!/^(?:[./~]|[A-Za-z]:\\)|\.(?:gguf|safetensors)$/i.test(from)) return undefined;
    throw new OmgError('not_found', `There is no file or folder ${path}.`);
  }
  const names = stats.isDirectory() ? await modelNames(path) : await shardNames(path);
  const root = stats.isDirectory() ? path : dirname(path);
  const files = await Promise.all(
    names.map(async (name) => ({ name, path: join(root, name), size: (await stat(join(root, name))).size })),
  );
  if (files.length === 0) {
    throw new OmgError('no_model_files', `${path} holds no model.`, {
      hint: 'A folder needs a GGUF file, or config.json and safetensors files.',
    });
  }
  return files;
}

/** What a FROM line names, as a path. */
export function localPath(from: string, folder: string): string {
  return resolve(folder, from.replace(/^~(?=$|[/\\])/, homedir()));
}

async function modelNames(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  const gguf = names.filter((name) => /\.gguf$/i.test(name));
  if (!names.some((name) => /\.safetensors$/i.test(name))) return gguf;
  const pooling = await stat(join(folder, '1_Pooling/config.json')).catch(() => undefined);
  return [
    ...names.filter((name) => /\.safetensors$/i.test(name) || COMPANION.test(name)),
    ...(pooling === undefined ? [] : ['1_Pooling/config.json']),
  ];
}

async function shardNames(path: string): Promise<string[]> {
  const shard = SHARD.exec(basename(path));
  if (shard === null) return [basename(path)];
  const names = await readdir(dirname(path));
  return names.filter((name) => SHARD.exec(name)?.[1] === shard[1] && SHARD.exec(name)?.[2] === shard[2]).sort();
}

/** `sha256:` and the hash of the file's bytes. `onRead` gets the bytes read so far. */
export async function digestOfFile(
  path: string,
  signal: AbortSignal,
  onRead: (bytes: number) => void = () => {},
): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    onRead(bytes);
  }
  return `sha256:${hash.digest('hex')}`;
}
