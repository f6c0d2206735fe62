import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { hashFile, openRegular } from '../../library/index.ts';
import type { RemoteFile } from '../types.ts';

/** The sha256 of a file whose bytes are what the hub says they are; undefined when they are not. */
export async function verifiedSha256(
  path: string,
  file: RemoteFile,
  signal?: AbortSignal,
  known?: string,
): Promise<string | undefined> {
  if ((await stat(path)).size !== file.size) return undefined;
  const sha256 = known ?? (await hashFile(path, { signal }));
  if (file.sha256 !== undefined) return sha256 === file.sha256 ? sha256 : undefined;
  if (file.gitSha1 !== undefined && (await gitSha1(path, file.size, signal)) !== file.gitSha1) return undefined;
  return sha256;
}

/** The id of a git blob: the sha1 of `blob <size>\0` and the bytes. Files that are not LFS are small (under 10 MB). */
async function gitSha1(path: string, size: number, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha1').update(`blob ${size}\0`);
  const { handle } = await openRegular(path);
  for await (const chunk of handle.createReadStream({ highWaterMark: 1 << 20, end: size, signal })) hash.update(chunk);
  return hash.digest('hex');
}
