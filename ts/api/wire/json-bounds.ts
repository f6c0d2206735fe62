import { randomInt } from 'node:crypto';
import { OmgError } from '../../errors/index.ts';

/** How much structure JSON may have. Long texts cost little; many values and keys cost a lot, whoever sends them. */
export interface JsonBounds {
  /** Values in all; a number in a list counts as a tenth, because lists of token ids are long and cheap. */
  maxValues: number;
  maxDepth?: number;
  /** Properties of one object. */
  maxProperties?: number;
  /** Different keys in all: each is kept for as long as the body is, and no two objects with others share a shape. */
  maxNames?: number;
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
 * it is JSON at all is for the parser to say. Gives the values that were counted. Throws `body_too_large` for too many values or
 * names, `invalid_request` for the other bounds.
 */
export function checkJsonBounds(
  bytes: Uint8Array,
  { maxValues, maxDepth = 128, maxProperties = 10_000, maxNames = 20_000, maxKeyBytes = 4096 }: JsonBounds,
): number {
  const properties = new Uint32Array(maxDepth + 1);
  const most = maxValues * VALUE;
  let depth = 0;
  let tenths = 0;
  const names = new NameCount();
  /** An element of a list may begin: a digit begins a number here, and elsewhere is part of one. */
  let begins = false;
  let stringStart = 0;
  let stringEnd = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      stringStart = at + 1;
      stringEnd = endOfString(bytes, stringStart);
      at = stringEnd;
      begins = false;
    } else if (byte === COMMA || byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      tenths += VALUE;
      if (tenths > most) throw tooManyValues(maxValues);
      begins = byte !== OPEN_BRACE;
      if (byte === COMMA) continue;
      depth += 1;
      if (depth > maxDepth) throw tooDeep(maxDepth);
      properties[depth] = 0;
    } else if (byte === COLON) {
      begins = false;
      if (stringEnd - stringStart > maxKeyBytes) throw longKey(maxKeyBytes);
      if (names.add(bytes, stringStart, stringEnd) > maxNames) throw tooManyNames(maxNames);
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

/** Slots for names; several times as many as are allowed, so that few share one. */
const SLOTS = 2 ** 17;
/** Other for each process, so that nobody can choose names that share a slot. */
const SEED = randomInt(2 ** 32);

/** Counts different names, by the slots that their hashes fall into: names that share one count once. */
class NameCount {
  #slots: Uint8Array | undefined;
  #count = 0;

  /** The number of different names with this one. */
  add(bytes: Uint8Array, start: number, end: number): number {
    this.#slots ??= new Uint8Array(SLOTS);
    let hash = SEED;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    if (this.#slots[slot] === 0) {
      this.#slots[slot] = 1;
      this.#count += 1;
    }
    return this.#count;
  }
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

function tooManyNames(maxNames: number): OmgError {
  return new OmgError('body_too_large', `The JSON has more than ${maxNames} different keys.`, { detail: { maxNames } });
}

function longKey(maxKeyBytes: number): OmgError {
  return new OmgError('invalid_request', `The JSON has a key of more than ${maxKeyBytes} bytes.`, {
    detail: { maxKeyBytes },
  });
}
