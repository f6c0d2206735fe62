import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type InstallRecord, type Library, nameKey, type ParsedName, parseModelName } from '../library/index.ts';
import { resolveAlias } from './find-source.ts';
import type { PullRequest, RemoteModel } from './types.ts';

/**
 * An installed model with a bare name that no source has, because it was made here, copied or came along: there is nothing newer to bring.
 * Clients pull whatever they are about to use.
 */
export async function findOwn(request: PullRequest, library: Library): Promise<InstallRecord | undefined> {
  if (request.revision !== undefined || request.quant !== undefined || request.file !== undefined) return undefined;
  const { name, hasNamespace, revision } = parsedName(request.model) ?? {};
  if (name === undefined || hasNamespace || revision !== undefined) return undefined;
  if ((await resolveAlias(name, library)) !== undefined) return undefined;
  return (await library.list()).find((record) => nameKey(record.name) === nameKey(name));
}

/** Undefined for what is no name, such as a URL. */
function parsedName(text: string): ParsedName | undefined {
  try {
    return parseModelName(text);
  } catch {
    return undefined;
  }
}

/** The installed model, when it is what the hub has and its files are there. */
export async function findCurrent(remote: RemoteModel, library: Library): Promise<InstallRecord | undefined> {
  const record = (await library.list()).find(({ name }) => nameKey(name) === nameKey(remote.name));
  if (record === undefined || !isDeepStrictEqual(record.source, remote.source)) return undefined;
  if (record.artifacts.length !== remote.files.length) return undefined;
  for (const { filename, size } of remote.files) {
    if (!record.artifacts.some((artifact) => artifact.filename === filename && artifact.size === size))
      return undefined;
    const stats = await stat(join(record.localPath, filename)).catch(() => undefined);
    if (stats?.size !== size) return undefined;
  }
  return record;
}
