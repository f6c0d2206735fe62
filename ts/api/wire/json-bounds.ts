import { OmgError } from '../../errors/index.ts';

/** How much structure JSON may have. Long texts cost little; many values and keys cost a lot, whoever sends them. */
export interface JsonBounds {
  /** Values in all; a number counts as a tenth, because lists of token ids are long and cheap. */
  maxValues: number;
  maxDepth?: number;
  /** Properties of one object. */
  maxProperties?: number;
  /** Bytes of one key. */
  maxKeyBytes?: number;
}

/** Counted in tenths, so that the sum stays a whole number. */
const VALUE = 10;
const NUMBER = 1;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Counts what stands outside of strings before anything is built of it, in one pass that ends at the first bound that is broken. Whether
 * it is JSON at all is for the parser to say. Gives the values that were counted. Throws `body_too_large` for too many values,
 * `invalid_request` for the other bounds.
 */
export function checkJsonBounds(
  bytes: Uint8Array,
  { maxValues, maxDepth = 128, maxProperties = 10_000, maxKeyBytes = 4096 }: JsonBounds,
): number {
  const properties = new Uint32Array(maxDepth + 1);
  const most = maxValues * VALUE;
  let depth = 0;
  let tenths = 0;
  /** A value is due: a digit begins a number here, and elsewhere is part of one. */
  let begins = true;
  let stringBytes = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const end = endOfString(bytes, at + 1);
      stringBytes = end - at - 1;
      at = end;
      begins = false;
    } else if (byte === COMMA || byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      tenths += VALUE;
      if (tenths > most) throw tooManyValues(maxValues);
      begins = true;
      if (byte === COMMA) continue;
      depth += 1;
      if (depth > maxDepth) throw tooDeep(maxDepth);
      properties[depth] = 0;
    } else if (byte === COLON) {
      begins = true;
      if (stringBytes > maxKeyBytes) throw longKey(maxKeyBytes);
      const count = (properties[depth] ?? 0) + 1;
      if (count > maxProperties) throw tooManyProperties(maxProperties);
      properties[depth] = count;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth > 0) depth -= 1;
      begins = false;
    } else if (begins && ((byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_9) || byte === MINUS)) {
      tenths -= VALUE - NUMBER;
      begins = false;
    }
  }
  return Math.ceil(tenths / VALUE);
}

/** Beyond so many bytes a native search pays. */
const SHORT = 32;

/** The index of the closing quote; the length of the text where there is none. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length) {
    const near = Math.min(at + SHORT, bytes.length);
    while (at < near) {
      const byte = bytes[at];
      if (byte === QUOTE) return at;
      at += byte === BACKSLASH ? 2 : 1;
    }
    const quote = bytes.indexOf(QUOTE, at);
    if (quote === -1) break;
    let slashes = quote;
    while (slashes > at && bytes[slashes - 1] === BACKSLASH) slashes -= 1;
    if ((quote - slashes) % 2 === 0) return quote;
    at = quote + 1;
  }
  return bytes.length;
}

function tooManyValues(maxValues: number): OmgError {
  return new OmgError('body_too_large', `The JSON holds more than ${maxValues} values.`, { detail: { maxValues } });
}

function tooDeep(maxDepth: number): OmgError {
  return new OmgError('invalid_request', `The JSON is nested more than ${maxDepth} levels deep.`, {
    detail: { maxDepth },
  });
}

function tooManyProperties(maxProperties: number): OmgError {
  return new OmgError('invalid_request', `The JSON has an object with more than ${maxProperties} properties.`, {
    detail: { maxProperties },
  });
}

function longKey(maxKeyBytes: number): OmgError {
  return new OmgError('invalid_request', `The JSON has a key of more than ${maxKeyBytes} bytes.`, {
    detail: { maxKeyBytes },
  });
}
