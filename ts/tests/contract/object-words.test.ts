import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

/** Words that every object knows. Where a table is asked for what a client sent, they must be as unknown as any other. */
const WORDS = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'];
/** Names nothing, and is answered as it should be. */
const UNKNOWN = 'no_such_word';

let served: TestDaemon;
beforeAll(async () => {
  served = await testDaemon({ script: { reply: 'ok' } });
  await served.install('tiny');
});
afterAll(() => served.stop());

const user = { role: 'user', content: 'x' };
const tool = (name: string) => ({ type: 'function', function: { name, parameters: { type: 'object' } } });

type Make = (word: string) => object;

/** Every field in which a client names something that is looked up. */
const BODIES: [path: string, field: string, make: Make][] = [
  ['/api/chat', 'role', (role) => ({ messages: [{ role, content: 'x' }] })],
  ['/api/chat', 'type of a part', (type) => ({ messages: [{ role: 'user', content: [{ type, text: 'x' }] }] })],
  ['/api/chat', 'format', (format) => ({ messages: [user], format })],
  ['/api/chat', 'think', (think) => ({ messages: [user], think })],
  ['/api/chat', 'option', (name) => ({ messages: [user], options: { [name]: 1, temperature: 0 } })],
  ['/api/chat', 'keep_alive', (keep_alive) => ({ messages: [user], keep_alive })],
  ['/api/chat', 'tool', (name) => ({ messages: [user], tools: [tool(name)] })],
  ['/api/chat', 'tool_name', (tool_name) => ({ messages: [user, { role: 'tool', content: 'x', tool_name }] })],
  [
    '/api/chat',
    'call',
    (name) => ({
      messages: [
        user,
        { role: 'assistant', tool_calls: [{ id: name, function: { name, arguments: { [name]: name } } }] },
      ],
    }),
  ],
  ['/api/generate', 'format', (format) => ({ prompt: 'x', format })],
  ['/api/generate', 'template', (name) => ({ prompt: 'x', template: `{{ .${name} }}` })],
  ['/api/create', 'parameter', (name) => ({ name: 'made', from: 'tiny', parameters: { [name]: 1 } })],
  ['/api/create', 'role', (role) => ({ name: 'made', from: 'tiny', messages: [{ role, content: 'x' }] })],
  ['/api/create', 'quantize', (quantize) => ({ name: 'made', from: 'tiny', quantize })],
  ['/api/show', 'option', (name) => ({ options: { [name]: 1 } })],
  ['/v1/chat/completions', 'role', (role) => ({ messages: [{ role, content: 'x' }] })],
  ['/v1/chat/completions', 'reasoning_effort', (reasoning_effort) => ({ messages: [user], reasoning_effort })],
  ['/v1/chat/completions', 'think', (think) => ({ messages: [user], think })],
  ['/v1/chat/completions', 'response_format', (type) => ({ messages: [user], response_format: { type } })],
  ['/v1/chat/completions', 'tool_choice', (tool_choice) => ({ messages: [user], tool_choice })],
  [
    '/v1/chat/completions',
    'name of tool_choice',
    (name) => ({ messages: [user], tools: [tool('f')], tool_choice: { type: 'function', function: { name } } }),
  ],
  [
    '/v1/chat/completions',
    'type of a tool',
    (type) => ({ messages: [user], tools: [{ type, function: { name: 'f' } }] }),
  ],
  ['/v1/chat/completions', 'logit_bias', (name) => ({ messages: [user], logit_bias: { [name]: 1 } })],
  ['/v1/chat/completions', 'modality', (name) => ({ messages: [user], modalities: [name] })],
  ['/v1/chat/completions', 'template variable', (name) => ({ messages: [user], chat_template_kwargs: { [name]: 1 } })],
  ['/v1/completions', 'guided_choice', (name) => ({ prompt: 'x', guided_choice: [name] })],
  ['/v1/embeddings', 'encoding_format', (encoding_format) => ({ input: 'x', encoding_format })],
  ['/v1/responses', 'role', (role) => ({ input: [{ role, content: 'x' }] })],
  ['/v1/responses', 'type of an item', (type) => ({ input: [{ type }] })],
  ['/v1/responses', 'type of a part', (type) => ({ input: [{ role: 'user', content: [{ type, text: 'x' }] }] })],
  ['/v1/responses', 'effort', (effort) => ({ input: 'x', reasoning: { effort } })],
  ['/v1/responses', 'type of a tool', (type) => ({ input: 'x', tools: [{ type, name: 'f' }] })],
  ['/v1/responses', 'tool_choice', (type) => ({ input: 'x', tool_choice: { type, name: 'f' } })],
  ['/v1/responses', 'previous_response_id', (previous_response_id) => ({ input: 'x', previous_response_id })],
  ['/v1/responses', 'item_reference', (id) => ({ input: [{ type: 'item_reference', id }] })],
  ['/v1/responses', 'format', (type) => ({ input: 'x', text: { format: { type } } })],
  ['/v1/messages', 'role', (role) => ({ max_tokens: 5, messages: [{ role, content: 'x' }] })],
  ['/v1/messages', 'type of a block', (type) => ({ max_tokens: 5, messages: [{ role: 'user', content: [{ type }] }] })],
  ['/v1/messages', 'effort', (effort) => ({ max_tokens: 5, messages: [user], output_config: { effort } })],
  ['/v1/messages', 'type of a tool', (type) => ({ max_tokens: 5, messages: [user], tools: [{ type, name: 'f' }] })],
  ['/v1/messages', 'thinking', (type) => ({ max_tokens: 5, messages: [user], thinking: { type } })],
  ['/v1/plan', 'device', (device) => ({ device })],
  ['/engines/_configure', 'mode', (mode) => ({ mode })],
  ['/ohmygpu/v1/models/tiny/start', 'keep_alive', (keep_alive) => ({ keep_alive })],
];

async function answer(path: string, body: object): Promise<{ status: number; text: string }> {
  // `{ __proto__: 1 }` from JSON is a field like any other.
  const reply = await fetch(served.url + path, {
    method: 'POST',
    body: JSON.stringify({ model: 'tiny', stream: false, ...body }),
  });
  return { status: reply.status, text: await reply.text() };
}

describe.each(BODIES)('%s, %s', (path, _field, make) => {
  test.each(WORDS)('%s is as unknown as any other word', async (word) => {
    const expected = await answer(path, make(UNKNOWN));
    const found = await answer(path, make(word));
    expect(found.status, found.text).toBe(expected.status);
    expect(found.status).toBeLessThan(500);
    if (found.status >= 400) expect(codeOf(found.text)).toBe(codeOf(expected.text));
  });
});

function codeOf(text: string): unknown {
  // One surface answers in plain text.
  if (!text.startsWith('{')) return text.split(':', 1)[0];
  const body = JSON.parse(text) as { code?: string; error: { code?: string } };
  return body.code ?? body.error.code;
}

test.each(WORDS)('a model named %s is a model that is not there', async (word) => {
  for (const path of [
    '/api/chat',
    '/api/show',
    '/v1/chat/completions',
    '/v1/embeddings',
    '/v1/responses',
    '/v1/messages',
  ]) {
    const body = { model: word, max_tokens: 5, messages: [user], input: 'x' };
    const reply = await fetch(served.url + path, { method: 'POST', body: JSON.stringify(body) });
    expect([path, reply.status]).toEqual([path, 404]);
  }
  for (const path of [
    '/v1/models/',
    '/ohmygpu/v1/models/',
    '/models/',
    '/v1/responses/',
    '/v1/models/pull/',
    '/anthropic/v1/models/',
  ])
    expect([path, (await fetch(`${served.url}${path}${word}`)).status]).toEqual([path, 404]);
  expect((await fetch(`${served.url}/engines/${word}/v1/models`)).status).toBe(404);
});

test.each(WORDS)('a setting, query parameter or header named %s changes nothing and breaks nothing', async (word) => {
  for (const body of [`{"${word}":5}`, `{"${word}":{"x":1}}`, `{"server":{"${word}":1}}`]) {
    const reply = await fetch(`${served.url}/ohmygpu/v1/config`, { method: 'PATCH', body });
    expect([body, reply.status]).toEqual([body, 400]);
  }
  expect(
    (await fetch(`${served.url}/api/tags?${word}=1&${word}[${word}]=2`, { headers: { [word]: 'x' } })).status,
  ).toBe(200);
  expect(({} as { x?: number }).x).toBeUndefined();
});

test('a query parameter that is given twice is one text', async () => {
  for (const path of [
    '/ohmygpu/v1/search?q=a&q=b',
    '/engines/_configure?model=a&model=tiny',
    '/v1/models?a=1&a=2',
    '/anthropic/v1/models?limit=1&limit=2',
    '/v1/plan?model=nope&model=tiny',
    '/ohmygpu/v1/models?installed=true&installed=false',
  ]) {
    const reply = await fetch(served.url + path);
    expect([path, reply.status]).toEqual([path, path.includes('search') ? 502 : 200]);
  }
});
