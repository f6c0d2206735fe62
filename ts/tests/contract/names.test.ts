import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJson } from './read-json.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

let served: TestDaemon;
let digest: string;
beforeAll(async () => {
  served = await testDaemon({ script: { reply: 'ok' } });
  await served.install('hf.co/microsoft/phi-2');
  digest = (await served.client.list())[0]?.digest ?? '';
});
afterAll(() => served.stop());

const get = async (path: string) => (await fetch(served.url + path)).json() as Promise<{ id?: string }>;

test('one model answers to all its names on every surface (§14.8)', async () => {
  const names = [
    'phi-2',
    'microsoft/phi-2',
    'Microsoft/Phi-2:latest',
    'hf.co/microsoft/phi-2',
    digest.slice(0, 12),
    digest,
    `sha256:${digest}`,
  ];
  for (const name of names) {
    expect((await served.client.model(name)).name, name).toBe('microsoft/phi-2:latest');
    expect((await get(`/v1/models/${name}`)).id, name).toBe('microsoft/phi-2');
    const shown = await fetch(`${served.url}/api/show`, { method: 'POST', body: JSON.stringify({ model: name }) });
    expect(shown.status, name).toBe(200);
  }
});

test('ids with slashes work raw and encoded, with doubled and trailing slashes (§14.8)', async () => {
  for (const path of ['microsoft/phi-2', 'microsoft%2Fphi-2', 'microsoft%2Fphi-2%3Alatest', '/microsoft/phi-2/']) {
    expect((await get(`/v1/models/${path}`)).id, path).toBe('microsoft/phi-2');
  }
});

test('lists show tagged names to Ollama clients and bare ids to OpenAI clients', async () => {
  const tags = (await (await fetch(`${served.url}/api/tags`)).json()) as {
    models: { name: string; model: string; digest: string }[];
  };
  expect(tags.models[0]).toMatchObject({ name: 'microsoft/phi-2:latest', model: 'microsoft/phi-2:latest' });
  expect(tags.models[0]?.digest).toMatch(/^[0-9a-f]{64}$/);
  const list = (await get('/v1/models')) as { data?: { id: string; owned_by: string; created: number }[] };
  expect(list.data?.[0]).toMatchObject({ id: 'microsoft/phi-2', owned_by: 'microsoft', created: expect.any(Number) });
});

test('the reply echoes the name that was sent', async () => {
  const body = { model: 'Microsoft/Phi-2:latest', messages: [{ role: 'user', content: 'x' }], stream: false };
  for (const path of ['/api/chat', '/v1/chat/completions']) {
    const reply = await fetch(served.url + path, { method: 'POST', body: JSON.stringify(body) });
    expect((await readJson(reply)).model).toBe(body.model);
  }
});

test('deleting by an unknown id is 404, by a known one removes it', async () => {
  await served.install('gone');
  const url = `${served.url}/v1/models/gone`;
  expect(await readJson(await fetch(url, { method: 'DELETE' }))).toMatchObject({ object: 'model', deleted: true });
  const again = await fetch(url, { method: 'DELETE' });
  expect([again.status, (await readJson(again)).error]).toMatchObject([
    404,
    { code: 'model_not_found', param: 'model', type: 'not_found_error' },
  ]);
});
