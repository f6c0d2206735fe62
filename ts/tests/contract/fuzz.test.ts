import { afterAll, beforeAll, expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import { bodyOf, type Draw, draws, type Schema } from './random-body.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

const ROUNDS = 8;
/** Of one request; valid ones get further. */
const WILDNESS = [0, 0, 0.03, 0.15];
const SEED = 20_26;

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

interface Operation {
  method: string;
  path: string;
  schema: Schema | undefined;
}

/** These end the daemon, or never end. */
const LEFT_OUT = new Set(['/ohmygpu/v1/shutdown', '/ohmygpu/v1/events']);

async function operations(): Promise<Operation[]> {
  const { paths } = (await (await fetch(`${served.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { requestBody?: { content: { 'application/json': { schema: Schema } } } }>>;
  };
  const all = Object.entries(paths)
    .filter(([path]) => !LEFT_OUT.has(path))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { requestBody }]) => ({
        method: method.toUpperCase(),
        path,
        schema: requestBody?.content['application/json'].schema,
      })),
    );
  // What deletes comes last, so that the others have a model to ask.
  const isLast = ({ method }: Operation): number => (method === 'DELETE' ? 1 : 0);
  return all.sort((a, b) => isLast(a) - isLast(b));
}

const NAMES = ['tiny', 'nope', 'a/b/c/d', '..', '%00', 'tiny/tag', 'tiny/start', `${'x'.repeat(300)}`, '__proto__'];
const QUERIES = [
  '',
  '?model=tiny',
  '?limit=-1&q=x',
  '?wait=true&timeout=x',
  '?remote=true',
  '?repo=r&tag=t',
  '?a[]=1&%',
];

function target(path: string, draw: Draw): string {
  const filled = path
    .replace('{backend}', () => draw.pick(['candle', 'vllm', 'nope']))
    .replaceAll(/\{\w+\}/g, () => draw.pick(NAMES));
  return filled + draw.pick(QUERIES);
}

test('requests made up from /openapi.json never give a 500 and never kill the daemon', async () => {
  const draw = draws(SEED);
  const failures: string[] = [];
  let sent = 0;
  for (const { method, path, schema } of await operations()) {
    for (let round = 0; round < ROUNDS; round++) {
      const url = target(path, draw);
      const body = method === 'GET' ? undefined : JSON.stringify(bodyOf(schema ?? {}, draw, draw.pick(WILDNESS)));
      const reply = await fetch(served.url + url, { method, body, signal: AbortSignal.timeout(10_000) });
      const text = await reply.text();
      sent += 1;
      if (reply.status >= 500 && reply.status !== 501) {
        failures.push(`${reply.status} ${method} ${url} ${body?.slice(0, 300)} → ${text.slice(0, 200)}`);
      }
    }
  }
  expect(failures).toEqual([]);
  expect(sent).toBeGreaterThan(200);
  expect((await fetch(`${served.url}/health`)).status).toBe(200);
}, 120_000);
