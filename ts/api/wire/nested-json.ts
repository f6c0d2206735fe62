import { OmgError } from '../../errors/index.ts';
import { parseExact } from '../../inference/index.ts';
import { checkJsonBounds } from './json-bounds.ts';

const MAX_BYTES = 4 * 1024 * 1024;
const MAX_VALUES = 100_000;

/**
 * Reads JSON that stands as text inside a body, such as the arguments of calls: its structure was not counted with the body's. All texts of
 * one request share the bounds.
 */
export class NestedJson {
  #bytes = MAX_BYTES;
  #values = MAX_VALUES;

  /** Throws `invalid_request` with `wrong` for text that is no JSON, `body_too_large` and `invalid_request` at the bounds. */
  parse(text: string, param: string, wrong: string): unknown {
    this.#count(text, param);
    try {
      return parseExact(text);
    } catch {
      throw invalid(param, wrong);
    }
  }

  #count(text: string, param: string): void {
    // A character is at least a byte, so what is far too long is not even encoded.
    if (text.length > this.#bytes) throw tooLong(param);
    const bytes = Buffer.from(text);
    this.#bytes -= bytes.length;
    if (this.#bytes < 0) throw tooLong(param);
    this.#values -= checkJsonBounds(bytes, { maxValues: this.#values });
  }

  /**
   * The arguments of a call in the history, as the model wrote them: cut off or malformed ones too, or no later turn of the conversation
   * could be answered. Nothing is an empty object. Throws at the bounds only.
   */
  argumentText(text: string, param: string): string {
    if (text.trim() === '') return '{}';
    this.#count(text, param);
    return text;
  }
}

function invalid(param: string, wrong: string): OmgError {
  return new OmgError('invalid_request', `${param}: ${wrong}`, { detail: { param } });
}

function tooLong(param: string): OmgError {
  return new OmgError(
    'body_too_large',
    `${param}: the request holds more than ${MAX_BYTES} bytes of JSON inside texts.`,
    {
      detail: { param, limitBytes: MAX_BYTES },
    },
  );
}
