import { createHash } from 'node:crypto';
import { displayName, modelFormat } from '../../library/index.ts';
import type { InstalledModel, ModelDetails } from '../../lifecycle/index.ts';
import type { RemoteModel } from '../../sources/index.ts';
import { isElided } from '../wire/index.ts';
import { displayBytes } from './display.ts';

/** One object per content; names that share it are its tags. `names` are all of them. */
export function modelJson({ record, details }: InstalledModel, names: string[], withMetadata: boolean): object {
  const contextSize = record.contextLength ?? details.trainedContextLength;
  return {
    id: `sha256:${record.digest}`,
    tags: names,
    created: Math.floor(Date.parse(record.installedAt) / 1000),
    config: {
      format: details.format,
      quantization: details.quantization,
      parameters: details.parameterSize,
      architecture: details.family,
      size: displayBytes(record.sizeBytes),
      ...(contextSize > 0 ? { context_size: contextSize } : {}),
      ...(withMetadata && details.format === 'gguf' ? { gguf: metadataTexts(details) } : {}),
    },
  };
}

/** Newest first, each content once. */
export function modelList(models: InstalledModel[]): object[] {
  const byDigest = Map.groupBy(models, ({ record }) => record.digest);
  return [...byDigest.values()].flatMap((same) =>
    same[0] === undefined
      ? []
      : [
          modelJson(
            same[0],
            same.map(({ name }) => name),
            false,
          ),
        ],
  );
}

/** What a pull would bring. Its header has not been read, so the family and the number of parameters stay open. */
export function remoteModelJson(remote: RemoteModel): object {
  const content = remote.files.map(({ filename, size, sha256, gitSha1 }) => [filename, size, sha256 ?? gitSha1]);
  return {
    id: `sha256:${createHash('sha256').update(JSON.stringify(content)).digest('hex')}`,
    tags: [displayName(remote.name)],
    created: 0,
    config: {
      format: modelFormat(remote),
      quantization: remote.quant ?? '',
      parameters: '',
      architecture: '',
      size: displayBytes(remote.totalBytes),
    },
  };
}

/** Long arrays, of which a header keeps the length only, are left out. */
function metadataTexts({ metadata }: ModelDetails): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata)
      .filter(([, value]) => !isElided(value))
      .map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
