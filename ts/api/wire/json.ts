import { OmgError } from '../../errors/index.ts';
import { type ExactNumber, findExactNumbers, putExactNumbers } from './exact-numbers.ts';
import { checkJsonBounds, type JsonBounds } from './json-bounds.ts';

/** JSON that was read, in a form that can be sent between threads. */
export interface ParsedJson {
  value: unknown;
  numbers: ExactNumber[];
}

/** The value with its exact numbers in place. */
export function takeParsed({ value, numbers }: ParsedJson): unknown {
  return putExactNumbers(value, numbers);
}

/** What the bytes say; `undefined` for nothing but white space. Throws `invalid_json`, and what `checkJsonBounds` throws. */
export function parseJson(bytes: Uint8Array, bounds: JsonBounds): ParsedJson {
  checkJsonBounds(bytes, bounds);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').trim();
  if (text === '') return { value: undefined, numbers: [] };
  try {
    return { value: JSON.parse(text), numbers: findExactNumbers(text) };
  } catch (error) {
    throw new OmgError(
      'invalid_json',
      `The request body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
