import { Readable } from 'node:stream';
import {
  constants,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzipSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib';
import { OmgError } from '../../errors/index.ts';
import { GrowingBytes } from './growing-bytes.ts';

export type Encoding = 'gzip' | 'deflate' | 'zstd';

/** RFC 9659: what HTTP carries needs no larger window than 8 MiB. Without this a few bytes ask for 128. */
const ZSTD = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

const AT_ONCE = { gzip: gunzipSync, deflate: inflateSync, zstd: zstdDecompressSync };
const STREAMS = {
  gzip: () => createGunzip(),
  deflate: () => createInflate(),
  zstd: () => createZstdDecompress(ZSTD),
};

/** What a `Content-Encoding` names; undefined where the body is as it came. Throws `invalid_request` for one that is not known. */
export function encodingOf(header: string | undefined): Encoding | undefined {
  const name = (header ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return undefined;
  if (name === 'x-gzip') return 'gzip';
  if (Object.hasOwn(STREAMS, name)) return name as Encoding;
  throw new OmgError('invalid_request', `The content encoding "${name.slice(0, 40)}" is not supported.`, {
    hint: 'Send the body plain, or with gzip, deflate or zstd.',
  });
}

/** At once, on the thread that asks; undefined where it would come to more than `mostBytes`. Throws `invalid_request` for broken data. */
export function unpackSmall(packed: Uint8Array, encoding: Encoding, mostBytes: number): Uint8Array | undefined {
  try {
    return AT_ONCE[encoding](packed, { maxOutputLength: mostBytes, ...(encoding === 'zstd' ? ZSTD : {}) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw notValid(encoding, error);
  }
}

/** Throws `body_too_large` for more than `limitBytes`, `invalid_request` for broken data. */
export async function unpack(
  packed: Uint8Array,
  encoding: Encoding,
  limitBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new GrowingBytes(limitBytes);
  try {
    for await (const part of Readable.from([packed]).pipe(STREAMS[encoding]()) as AsyncIterable<Buffer>) {
      if (!bytes.push(part)) throw tooLarge(limitBytes);
    }
  } catch (error) {
    bytes.free();
    throw error instanceof OmgError ? error : notValid(encoding, error);
  }
  return bytes.take();
}

export function tooLarge(limitBytes: number): OmgError {
  return new OmgError('body_too_large', `The request body is over the limit of ${limitBytes} bytes.`, {
    detail: { limitBytes },
  });
}

function notValid(encoding: Encoding, cause: unknown): OmgError {
  return new OmgError('invalid_request', `The request body is not valid ${encoding} data.`, { cause });
}
