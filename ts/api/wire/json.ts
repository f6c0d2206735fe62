import { OmgError } from '../../errors/index.ts';
import { findWritten, putWritten, type Written } from './as-written.ts';
import { checkJsonBounds, type JsonBounds } from './json-bounds.ts';

/** JSON that was read, in a form that can be sent between threads. */
export interface ParsedJson {
  value: unknown;
  written: Written[];
}

/** The value with what JavaScript would have changed in place. */
export function takeParsed({ value, written }: ParsedJson): unknown {
  return putWritten(value, written);
}

/**
 * What the bytes say; `undefined` for nothing but white space. Throws `invalid_json`, and what `checkJsonBounds` throws.
 * @param onRead the bytes are no longer needed.
 */
export function parseJson(bytes: Uint8Array, bounds: JsonBounds, onRead = (): void => {}): ParsedJson {
  checkJsonBounds(bytes, bounds);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').trim();
  onRead();
  if (text === '') return { value: undefined, written: [] };
  try {
    return { value: JSON.parse(text), written: findWritten(text) };
  } catch (error) {
    throw new OmgError(
      'invalid_json',
      `The request body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
