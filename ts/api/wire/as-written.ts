import { keepText } from '../../inference/index.ts';

/** A number or an object that JavaScript would change, by its place in a body. It can be sent between threads. */
export interface Written {
  path: (string | number)[];
  text: string;
}

/**
 * Fields of a body in which a model's or a template's own data stands, such as schemas and the arguments of calls. Nothing here reads numbers
 * in them, so they can stay as they were written; everywhere else a number is a number.
 */
const PASSED_ON = new Set([
  'chat_template_kwargs',
  'format',
  'functions',
  'guided_json',
  'json_schema',
  'messages',
  'output_config',
  'output_format',
  'response_format',
  'text',
  'tools',
]);

/** Times the length of the body: objects inside each other are kept with all that they hold. */
const MOST_KEPT = 4;

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Keys that JavaScript moves to the front, in the order of their numbers. */
const INDEX = /^(?:0|[1-9]\d{0,9})$/;
const MAX_INDEX = 2 ** 32 - 2;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** An object or a list that is being read. */
interface Open {
  start: number;
  outer: Open | undefined;
  /** Where its next value stands. */
  at: string | number;
  /** Of an object: its keys before the one at `at`, with the finds below each, where there are any. */
  keys: Map<string, Finds | undefined> | undefined;
  /** The finds before those below `at`. */
  findsBefore: number;
  wantsKey: boolean;
  lastIndex: number;
  changes: boolean;
}

interface Finds {
  from: number;
  to: number;
}

/**
 * What of valid JSON text has to be kept as it is written: numbers that would lose digits, and objects with keys that would change places or
 * that stand there twice.
 */
export function findWritten(text: string): Written[] {
  const found: (Written | undefined)[] = [];
  let room = text.length * MOST_KEPT;
  let inner: Open | undefined;
  let isPassedOn = false;
  const keep = (start: number, end: number, place: Open | undefined): void => {
    room -= end - start;
    if (room >= 0) found.push({ path: pathOf(place), text: text.slice(start, end) });
  };
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (inner?.wantsKey === true) {
        readKey(inner, text.slice(at, end), found);
        if (inner.outer === undefined) isPassedOn = PASSED_ON.has(String(inner.at));
      }
      at = end - 1;
    } else if (code === COMMA) {
      if (inner?.keys !== undefined) inner.wantsKey = true;
      else if (inner !== undefined) inner.at = Number(inner.at) + 1;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      inner = opened(at, inner, code === OPEN_BRACE, found.length);
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      const { outer, changes = false, start = 0 }: Partial<Open> = inner ?? {};
      if (changes && outer !== undefined && isPassedOn) keep(start, at + 1, outer);
      inner = outer;
    } else if (isPassedOn && ((code >= DIGIT_0 && code <= DIGIT_9) || code === MINUS)) {
      NUMBER.lastIndex = at;
      const [number = '0'] = NUMBER.exec(text) ?? [];
      if (String(Number(number)) !== number) keep(at, at + number.length, inner);
      at += number.length - 1;
    }
  }
  return found.filter((written) => written !== undefined);
}

function opened(start: number, outer: Open | undefined, isObject: boolean, findsBefore: number): Open {
  const keys = isObject ? new Map<string, Finds | undefined>() : undefined;
  return { start, outer, at: 0, keys, findsBefore, wantsKey: isObject, lastIndex: -1, changes: false };
}

function readKey(object: Open, literal: string, found: (Written | undefined)[]): void {
  const { keys, findsBefore: from } = object;
  const to = found.length;
  if (typeof object.at === 'string') keys?.set(object.at, to > from ? { from, to } : undefined);
  const key = literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
  const index = INDEX.test(key) && Number(key) <= MAX_INDEX ? Number(key) : undefined;
  const isTwice = keys?.has(key) === true;
  if (isTwice || (index !== undefined && index < object.lastIndex)) object.changes = true;
  // What stood under the key before is not in the value that it has now.
  const earlier = isTwice ? keys?.get(key) : undefined;
  if (earlier !== undefined) found.fill(undefined, earlier.from, earlier.to);
  object.lastIndex = index ?? Infinity;
  object.findsBefore = to;
  object.at = key;
  object.wantsKey = false;
}

function pathOf(place: Open | undefined): Written['path'] {
  const path: Written['path'] = [];
  for (let open = place; open !== undefined; open = open.outer) path.push(open.at);
  return path.reverse();
}

/** Behind the closing quotation mark. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = quote;
    while (text[slashes - 1] === '\\') slashes -= 1;
    if ((quote - slashes) % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** Puts them into the value that the text was parsed to: numbers as `JSON.rawJSON`, the texts of objects for `exactJson`. */
export function putWritten(value: unknown, all: readonly Written[]): unknown {
  for (const { path, text } of all) {
    const last = path.at(-1);
    let holder = value;
    for (const part of path.slice(0, -1)) holder = isHolder(holder) ? holder[part] : undefined;
    if (!isHolder(holder) || last === undefined) continue;
    const current = holder[last];
    if (!text.startsWith('{')) holder[last] = JSON.rawJSON(text);
    else if (isHolder(current)) keepText(current, text);
  }
  return value;
}

function isHolder(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}
