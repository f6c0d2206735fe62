import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import { LEFT_OUT, type Operation, operationsOf } from './operations.ts';
import { bodyOf, type Draw, draws } from './random-body.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

/** `OMG_FUZZ_INPUTS=10000 npm test -- ts/tests/contract/fuzz` asks for as many; without it, a sample that is always the same. */
const INPUTS = Number(process.env.OMG_FUZZ_INPUTS ?? 600);
/** Another seed gives other inputs, the same one the same. */
const SEED = Number(process.env.OMG_FUZZ_SEED ?? 20_26);
/** Of one request; valid ones get further. */
const WILDNESS = [0, 0, 0.03, 0.15];
const AT_ONCE = 8;

let served: TestDaemon;
beforeAll(async () => {
  const refuse = () => Promise.reject(new OmgError('repo_not_found', 'The hub has nothing.'));
  served = await testDaemon({
    script: { reply: 'ok' },
    hub: async () => ({ search: async () => [], pull: refuse, resolveRemote: refuse }),
  });
  await served.install('tiny');
});
afterAll(() => served.stop());

const NAMES = [
  'tiny',
  'nope',
  'a/b/c/d',
  '..',
  '%00',
  'tiny/tag',
  'tiny/start',
  'x'.repeat(300),
  '__proto__',
  'constructor',
];
const QUERIES = [
  '',
  '?model=tiny',
  '?limit=-1&q=x',
  '?wait=true&timeout=x',
  '?remote=true',
  '?repo=r&tag=t',
  '?a[]=1&%',
  '?q=a&q=b&model=a&model=b&limit=1&limit=2&timeout=1&timeout=2',
  '?__proto__=1&constructor[prototype]=1',
];

function target(path: string, draw: Draw): string {
  const filled = path
    .replace('{backend}', () => draw.pick(['candle', 'vllm', 'nope']))
    .replaceAll(/\{\w+\}/g, () => draw.pick(NAMES));
  return filled + draw.pick(QUERIES);
}

interface Input {
  method: string;
  path: string;
  body: string | Uint8Array<ArrayBuffer> | undefined;
  headers: Record<string, string>;
  /** As a failure shows it. */
  shown: string;
}

function inputOf({ method, path, schema }: Operation, draw: Draw): Input {
  const url = target(path, draw);
  if (method === 'GET') return { method, path: url, body: undefined, headers: {}, shown: `GET ${url}` };
  const valid = JSON.stringify(bodyOf(schema ?? {}, draw, draw.pick(WILDNESS)));
  const text = draw.number() < 0.1 ? broken(valid, draw) : valid;
  const shown = `${method} ${url} ${text.slice(0, 300)}`;
  if (draw.number() >= 0.1) return { method, path: url, body: text, headers: {}, shown };
  const encoding = draw.pick(['gzip', 'zstd', 'deflate', 'br', 'gzip, gzip']);
  const packed =
    encoding === 'zstd' ? zstdCompressSync(text) : encoding === 'deflate' ? deflateSync(text) : gzipSync(text);
  return { method, path: url, body: new Uint8Array(packed), headers: { 'content-encoding': encoding }, shown };
}

/** JSON as a bad line or a bad program makes it. */
function broken(text: string, draw: Draw): string {
  const at = Math.floor(draw.number() * text.length);
  switch (draw.pick(['cut', 'twice', 'drop', 'byte', 'nest'])) {
    case 'cut':
      return text.slice(0, at);
    case 'twice':
      return text + text;
    case 'drop':
      return text.slice(0, at) + text.slice(at + 1);
    case 'nest':
      return text.slice(0, at) + '['.repeat(500) + text.slice(at);
    default:
      return (
        text.slice(0, at) +
        draw.pick(['"', '\\', '{', ']', ',', '\u0000', '\u2028', '-', '\ud800', '9'.repeat(400)]) +
        text.slice(at)
      );
  }
}

/** What is wrong with an answer; undefined when nothing is. */
function fault(path: string, status: number, text: string): string | undefined {
  if (status >= 500 && status !== 501) return 'a server error';
  if (status < 400) return undefined;
  // Docker's own routes answer errors in a line of plain text.
  const isDocker = /^\/(?:models|engines)(?:\/|$)/.test(new URL(path, served.url).pathname);
  if (isDocker && !text.startsWith('{')) return text.endsWith('\n') ? undefined : 'no line of text';
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'no JSON';
  }
  return hasError(body) ? undefined : 'no error in the form of the surface';
}

/** `{error: "…"}`, `{error: {message}}`, `{type: "error", error: {message}}` and JSON-RPC. */
function hasError(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || !('error' in body)) return false;
  const { error } = body;
  if (typeof error === 'string') return error !== '';
  return typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string';
}

test(
  `requests made up from /openapi.json never give a 500 and never kill the daemon (${INPUTS} of seed ${SEED})`,
  async () => {
    const draw = draws(SEED);
    const operations = (await operationsOf(served.url)).filter(({ path }) => !LEFT_OUT.has(path));
    const failures: string[] = [];
    const check = async ({ method, path, body, headers, shown }: Input): Promise<void> => {
      try {
        const reply = await fetch(served.url + path, { method, body, headers, signal: AbortSignal.timeout(20_000) });
        const text = await reply.text();
        const found = fault(path, reply.status, text);
        if (found !== undefined) failures.push(`${found}: ${reply.status} ${shown} → ${text.slice(0, 200)}`);
      } catch (error) {
        failures.push(`no answer: ${shown} → ${error}`);
      }
    };
    const rounds = Math.ceil(INPUTS / operations.length);
    for (const operation of operations) {
      for (let round = 0; round < rounds; round += AT_ONCE) {
        const inputs = Array.from({ length: Math.min(AT_ONCE, rounds - round) }, () => inputOf(operation, draw));
        await Promise.all(inputs.map(check));
      }
      // What deletes may have found it.
      if (operation.method === 'DELETE') await served.install('tiny').catch(() => {});
    }
    expect(failures).toEqual([]);
    expect(rounds * operations.length).toBeGreaterThan(200);
    expect((await fetch(`${served.url}/health`)).status).toBe(200);
  },
  120_000 + INPUTS * 200,
);
