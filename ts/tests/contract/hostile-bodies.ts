import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Schema, typeOf } from './random-body.ts';

/** What may be sent at most, as it is on the wire. */
const WIRE_BYTES = 250 * 1024;
/** What a compressed one comes to: two million small elements. */
const UNPACKED_BYTES = 4 * 1024 * 1024;

export interface HostileBody {
  what: string;
  bytes: Uint8Array<ArrayBuffer>;
  encoding?: 'gzip' | 'zstd';
}

/** Where in a body a value may stand: the text before and after it. */
interface Place {
  path: string;
  before: string;
  after: string;
  type: string | undefined;
}

const ELEMENTS = ['1', '{"type":"text"}'];
const TEXTS = ['1', ' ', '{{', '\\\\', '\\ud800', '../', '{{ if .System }}', '((a+)+', '-'];

/** Of no route in particular. */
export function shapeBodies(): HostileBody[] {
  return SHAPES.map(({ what, make }) => packed(what, make));
}

/** Bodies made to cost a route much that is described so: each array, object and text that the schema has gets its own. */
export function* placedBodies(schema: Schema): Generator<HostileBody> {
  let turn = 0;
  for (const { path, before, after, type } of places(schema, '', '', '', 0)) {
    if (type === 'array') {
      for (const element of ELEMENTS) {
        yield packed(`${path}: [${element}, …]`, (size) => before + filled('[', element, ',', ']', size) + after);
      }
    } else if (type === 'object') {
      yield plain(`${path}: many names`, before + names(WIRE_BYTES) + after);
    } else {
      // What a text costs is the same for most fields, so they take turns.
      const piece = TEXTS[turn++ % TEXTS.length] ?? '';
      yield plain(`${path}: ${piece}…`, before + filled('"', piece, '', '"', WIRE_BYTES) + after);
      // No description: anything may stand there.
      if (type === undefined)
        yield packed(`${path}: [1, …]`, (size) => before + filled('[', '1', ',', ']', size) + after);
    }
  }
}

const SHAPES: { what: string; make: (size: number) => string }[] = [
  { what: 'open brackets', make: (size) => '['.repeat(size) },
  { what: 'deep', make: (size) => `${'{"a":'.repeat(size / 6)}1${'}'.repeat(size / 6)}` },
  { what: 'wide', make: names },
  { what: 'equal names', make: (size) => filled('{', '"a":1', ',', '}', size) },
  { what: 'numbers as names', make: (size) => filledBy('{', (index) => `"${index * 7919}":1`, ',', '}', size) },
  { what: 'a long name', make: (size) => `{"${'k'.repeat(size)}":1}` },
  {
    what: 'names of objects',
    make: (size) => filled('{', '"__proto__":{"constructor":{"prototype":1}}', ',', '}', size),
  },
  { what: 'a long number', make: (size) => `{"n":${'9'.repeat(size)}}` },
  { what: 'huge numbers', make: (size) => filled('{"model":"tiny","n":[', '1e308', ',', ']}', size) },
  { what: 'halves of surrogates', make: (size) => filled('{"model":"', '\\udc00', '', '"}', size) },
  { what: 'quotes', make: (size) => filled('{"model":"', '\\"', '', '"}', size) },
  { what: 'a list of objects', make: (size) => filled('[', '{}', ',', ']', size) },
  { what: 'a short list of objects', make: (size) => filled('[', '{}', ',', ']', Math.min(size, 12_000)) },
  { what: 'commas', make: (size) => ','.repeat(size) },
  { what: 'white space', make: (size) => ' '.repeat(size) },
];

function names(size: number): string {
  return filledBy('{', (index) => `"k${index}":1`, ',', '}', size);
}

function filled(open: string, piece: string, separator: string, close: string, size: number): string {
  const count = Math.max(1, Math.floor((size - open.length - close.length) / (piece.length + separator.length)));
  const all = (piece + separator).repeat(count);
  return open + all.slice(0, all.length - separator.length) + close;
}

function filledBy(
  open: string,
  piece: (index: number) => string,
  separator: string,
  close: string,
  size: number,
): string {
  const pieces: string[] = [];
  let length = open.length + close.length;
  for (let index = 0; ; index++) {
    const next = piece(index);
    length += next.length + separator.length;
    if (length > size) break;
    pieces.push(next);
  }
  return open + pieces.join(separator) + close;
}

/** The places of arrays, objects and texts in a schema, each with a body around it that is valid as far as the schema says. */
function* places(schema: Schema, path: string, before: string, after: string, depth: number): Generator<Place> {
  if (depth > 6) return;
  for (const option of schema.anyOf ?? [schema]) {
    const type = typeOf(option);
    if (type !== 'object' && type !== 'array') {
      if (type === undefined || type === 'string') yield { path, before, after, type };
      continue;
    }
    if (path !== '') yield { path, before, after, type };
    if (type === 'array' && option.items !== undefined) {
      yield* places(option.items, `${path}[]`, `${before}[`, `]${after}`, depth + 1);
    }
    for (const [name, inner] of Object.entries(option.properties ?? {})) {
      const others = (option.required ?? [])
        .filter((other) => other !== name)
        .map((other) => `${JSON.stringify(other)}:${JSON.stringify(example(other, option.properties?.[other]))},`);
      // Most routes look at nothing else before the model.
      const model = option.properties?.model !== undefined && name !== 'model' && path === '' ? '"model":"tiny",' : '';
      const head = `${before}{${others.filter((other) => model === '' || !other.startsWith('"model"')).join('')}${model}`;
      yield* places(
        inner,
        path === '' ? name : `${path}.${name}`,
        `${head}${JSON.stringify(name)}:`,
        `}${after}`,
        depth + 1,
      );
    }
  }
}

function example(name: string, schema: Schema = {}): unknown {
  if (name === 'model') return 'tiny';
  if (schema.anyOf?.[0] !== undefined) return example(name, schema.anyOf[0]);
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.const !== undefined) return schema.const;
  switch (typeOf(schema)) {
    case 'array':
      return [example('', schema.items)];
    case 'object':
      return Object.fromEntries((schema.required ?? []).map((key) => [key, example(key, schema.properties?.[key])]));
    case 'integer':
    case 'number':
      return 1;
    case 'boolean':
      return false;
    default:
      return name === 'type' ? 'text' : 'x';
  }
}

function plain(what: string, text: string): HostileBody {
  return { what, bytes: new Uint8Array(Buffer.from(text)) };
}

/** In a compressed form that comes to far more, where that is small enough; else plain. */
function packed(what: string, make: (size: number) => string): HostileBody {
  const [encoding, pack] =
    what.length % 2 === 0 ? (['gzip', fastGzip] as const) : (['zstd', zstdCompressSync] as const);
  const bytes = new Uint8Array(pack(Buffer.from(make(UNPACKED_BYTES))));
  return bytes.length > WIRE_BYTES ? plain(what, make(WIRE_BYTES)) : { what: `${what} (${encoding})`, bytes, encoding };
}

function fastGzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 1 });
}
