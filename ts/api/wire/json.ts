import { OmgError } from '../../errors/index.ts';
import { checkJsonBounds, type JsonBounds } from './json-bounds.ts';

/** What the bytes say; `undefined` for nothing but white space. Throws `invalid_json`, and what `checkJsonBounds` throws. */
export function parseJson(bytes: Uint8Array, bounds: JsonBounds): unknown {
  checkJsonBounds(bytes, bounds);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').trim();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OmgError(
      'invalid_json',
      `The request body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
