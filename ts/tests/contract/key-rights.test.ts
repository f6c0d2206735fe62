import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeyFile } from '../../keys/index.ts';
import { readJson } from './read-json.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;
let inference: string;
let both: string;

beforeAll(async () => {
  served = await testDaemon({ script: { reply: 'ok' }, env: { OMG_KEEP_ALIVE: '10m' } });
  await served.install('tiny');
  const file = new KeyFile(served.config.paths.keysFile);
  inference = (await file.create({ name: 'inference', scopes: ['inference'] })).secret;
  both = (await file.create({ name: 'both', scopes: ['inference', 'manage'] })).secret;
});
afterAll(() => served.stop());

function ask(method: string, path: string, key: string, body?: unknown): Promise<Response> {
  return fetch(served.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: { authorization: `Bearer ${key}` },
  });
}

/** When the model leaves: in how many minutes, or never; undefined while it is not loaded. */
async function minutesLeft(): Promise<number | undefined> {
  const reply = await ask('GET', '/api/ps', both);
  const [model] = ((await reply.json()) as { models: { expires_at: string }[] }).models;
  return model === undefined ? undefined : Math.round((Date.parse(model.expires_at) - Date.now()) / 60_000);
}

const MESSAGES = [{ role: 'user', content: 'x' }];
/** A body that asks for nothing but the model itself, for which 0 is another question. */
const LOADING = /^(?:\{\}|\{"messages":\[\]\})$/;
const ASKING: [string, object][] = [
  ['/api/chat', { messages: MESSAGES, stream: false }],
  ['/api/chat', { messages: [] }],
  ['/api/generate', { prompt: 'x', stream: false }],
  ['/api/generate', {}],
  ['/v1/chat/completions', { messages: MESSAGES }],
  ['/v1/completions', { prompt: 'x', max_tokens: 2 }],
  ['/v1/messages', { messages: MESSAGES, max_tokens: 2 }],
  ['/v1/responses', { input: 'x' }],
  ['/engines/v1/chat/completions', { messages: MESSAGES }],
  ['/engines/llama.cpp/v1/completions', { prompt: 'x' }],
];

describe('what a key of inference alone cannot decide', () => {
  test.each(ASKING)('%s %j keeps no model longer or shorter than the settings', async (path, body) => {
    for (const keepAlive of [-1, '100h', '1m', '1ms', ...(LOADING.test(JSON.stringify(body)) ? [] : [0])]) {
      const reply = await ask('POST', path, inference, { model: 'tiny', ...body, keep_alive: keepAlive });
      expect([keepAlive, reply.status]).toEqual([keepAlive, 200]);
      await reply.text();
      expect([keepAlive, await minutesLeft()]).toEqual([keepAlive, 10]);
    }
    await (await ask('POST', path, both, { model: 'tiny', ...body, keep_alive: '90m' })).text();
    expect(await minutesLeft()).toBe(90);
    // What somebody else decided stays.
    await (await ask('POST', path, inference, { model: 'tiny', ...body, keep_alive: '1m' })).text();
    expect(await minutesLeft()).toBe(90);
    await (await ask('POST', path, both, { model: 'tiny', ...body, keep_alive: '10m' })).text();
  });

  test.each(['/api/chat', '/api/generate'])(
    '%s with nothing but keep_alive 0 unloads for others alone',
    async (path) => {
      await (await ask('POST', path, inference, { model: 'tiny' })).text();
      for (const keepAlive of [0, '0', '0s', '-0', 0.0]) {
        const refused = await ask('POST', path, inference, { model: 'tiny', keep_alive: keepAlive });
        expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('manage')]);
        expect(await minutesLeft()).toBe(10);
      }
      const unloaded = await readJson(await ask('POST', path, both, { model: 'tiny', keep_alive: 0 }));
      expect([unloaded, await minutesLeft()]).toMatchObject([{ done_reason: 'unload' }, undefined]);
    },
  );

  test('a keep_alive that cannot be read is still an error', async () => {
    const reply = await ask('POST', '/api/chat', inference, { model: 'tiny', messages: MESSAGES, keep_alive: 'soon' });
    expect(reply.status).toBe(400);
  });
});

describe('what a key of inference alone cannot see', () => {
  test('no route that it can read tells a path, a process or an argument', async () => {
    await (await ask('POST', '/api/generate', both, { model: 'tiny' })).text();
    const { paths } = (await (await ask('GET', '/openapi.json', inference)).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const gets = Object.keys(paths).filter((path) => paths[path]?.get !== undefined);
    expect(gets.length).toBeGreaterThan(20);
    const home = served.config.paths.home;
    for (const path of gets) {
      const url = path.replace(/\{(?:name|model)\}/, 'tiny').replace(/\{[^}]+\}/g, 'x');
      if (/\/events$|^\/mcp$/.test(url)) continue;
      const reply = await ask('GET', url, inference);
      const text = await reply.text();
      for (const secret of [
        home,
        served.config.paths.socket ?? home,
        process.argv[1] ?? home,
        '"pid"',
        '"arguments":[',
      ]) {
        expect([url, text.includes(secret)]).toEqual([url, false]);
      }
    }
    const shown = await ask('POST', '/api/show', inference, { model: 'tiny', verbose: true });
    expect(await shown.text()).not.toContain(home);
  });

  test('who may manage sees them', async () => {
    expect(await readJson(await ask('GET', '/ohmygpu/v1/status', both))).toMatchObject({
      data_dir: served.config.paths.home,
      pid: process.pid,
      arguments: expect.any(Array),
    });
    const { models } = await readJson(await ask('GET', '/ohmygpu/v1/models', both));
    expect(JSON.stringify(models)).toContain(served.config.paths.home);
  });

  test.each(['/ohmygpu/v1/search?q=private', '/models/owner/repo?remote=true'])(
    'GET %s, which asks the hub with the owner’s token, is refused',
    async (path) => {
      expect((await ask('GET', path, inference)).status).toBe(403);
      expect((await ask('GET', path, both)).status).toBeGreaterThanOrEqual(500);
    },
  );
});
