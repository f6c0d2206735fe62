import { isGguf } from './model-files.ts';

/** A header that says it is longer is looked at no further: the engine then says what it makes of the beginning. */
const LONGEST_HEADER = 128 << 20;
/** Bytes of the fixed-size values of GGUF metadata by their type id. */
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;

/**
 * How many bytes from its beginning hold the header of a GGUF or safetensors file, as far as the first bytes tell: more than there are
 * where they are not enough to know. 0 for what is neither.
 */
export function headerExtent(filename: string, bytes: Buffer): number {
  const extent = isGguf(filename) ? ggufExtent(bytes) : safetensorsExtent(bytes);
  return extent > LONGEST_HEADER ? 0 : extent;
}

/** `general.architecture` of a GGUF file, from its first bytes; undefined where they do not tell. */
export function ggufArchitecture(bytes: Buffer): string | undefined {
  let found: string | undefined;
  try {
    walkGguf(new Cursor(bytes), (key, value) => {
      if (key === 'general.architecture') found = value;
      return found !== undefined;
    });
  } catch (error) {
    if (!(error instanceof Short || error instanceof NoHeader)) throw error;
  }
  return found;
}

function safetensorsExtent(bytes: Buffer): number {
  if (bytes.length < 8) return 8;
  const length = bytes.readBigUInt64LE();
  return length > LONGEST_HEADER ? 0 : 8 + Number(length);
}

function ggufExtent(bytes: Buffer): number {
  const cursor = new Cursor(bytes);
  try {
    walkGguf(cursor, () => false);
    return cursor.at;
  } catch (error) {
    if (error instanceof Short) return error.need;
    if (error instanceof NoHeader) return 0;
    throw error;
  }
}

/** The bytes end before the header does. */
class Short extends Error {
  readonly need: number;

  constructor(need: number) {
    super();
    this.need = need;
  }
}

class NoHeader extends Error {}

class Cursor {
  at = 0;
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  skip(count: number): number {
    const from = this.at;
    this.at += count;
    if (this.at > LONGEST_HEADER) throw new NoHeader();
    if (this.at > this.bytes.length) throw new Short(this.at);
    return from;
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.skip(4));
  }

  u64(): number {
    const value = this.bytes.readBigUInt64LE(this.skip(8));
    if (value > LONGEST_HEADER) throw new NoHeader();
    return Number(value);
  }

  string(): string {
    const length = this.u64();
    const from = this.skip(length);
    return this.bytes.toString('utf8', from, Math.min(from + length, from + 256));
  }
}

/** @param isEnough gets the texts of the metadata, and ends the walk. */
function walkGguf(cursor: Cursor, isEnough: (key: string, value: string) => boolean): void {
  if (cursor.bytes.toString('latin1', cursor.skip(4), 4) !== 'GGUF') throw new NoHeader();
  const version = cursor.u32();
  if (version !== 2 && version !== 3) throw new NoHeader();
  const tensors = cursor.u64();
  const pairs = cursor.u64();
  for (let pair = 0; pair < pairs; pair++) {
    const key = cursor.string();
    const type = cursor.u32();
    if (type === STRING) {
      if (isEnough(key, cursor.string())) return;
    } else if (type === ARRAY) skipArray(cursor);
    else cursor.skip(sizeOf(type));
  }
  for (let tensor = 0; tensor < tensors; tensor++) {
    cursor.skip(cursor.u64());
    // Dimensions, then the type and the offset.
    cursor.skip(8 * cursor.u32() + 12);
  }
}

function skipArray(cursor: Cursor): void {
  const type = cursor.u32();
  const count = cursor.u64();
  if (type !== STRING) cursor.skip(count * sizeOf(type));
  else for (let index = 0; index < count; index++) cursor.skip(cursor.u64());
}

function sizeOf(type: number): number {
  const size = SIZES[type];
  if (size === undefined) throw new NoHeader();
  return size;
}
