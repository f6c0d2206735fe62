import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

/** Whatever is sent: a 4xx that says why, or an answer, and a daemon that lives. */
let served: TestDaemon;
beforeAll(async () => {
  served = await testDaemon({ script: { reply: 'ok' } });
  await served.install('tiny');
});
afterAll(() => served.stop());

const messages = [
  {
    role: 'user',
    content: 'Hi',
    tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
    images: ['aGk='],
    tool_name: 'f',
  },
];
const tools = [{ type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } }];

/** Valid bodies with every field filled, to be broken one field at a time. */
const BODIES: [string, object][] = [
  [
    '/api/chat',
    {
      model: 'tiny',
      messages,
      tools,
      stream: false,
      format: '',
      keep_alive: 5,
      options: { temperature: 1, stop: ['x'], num_ctx: 64, seed: 1 },
      think: false,
      truncate: true,
      logprobs: true,
      top_logprobs: 1,
    },
  ],
  [
    '/api/generate',
    {
      model: 'tiny',
      prompt: 'x',
      suffix: '',
      system: 's',
      template: '{{ .Prompt }}',
      context: [1],
      raw: false,
      stream: false,
      images: [],
      options: { num_predict: 3 },
    },
  ],
  ['/api/show', { model: 'tiny', verbose: true }],
  ['/api/copy', { source: 'tiny', destination: 'tiny' }],
  [
    '/v1/chat/completions',
    {
      model: 'tiny',
      messages,
      tools,
      tool_choice: 'auto',
      parallel_tool_calls: false,
      n: 1,
      stop: ['x'],
      seed: 1,
      logit_bias: { 1: 1 },
      max_tokens: 5,
      temperature: 1,
      top_p: 1,
      reasoning: { effort: 'low' },
      response_format: { type: 'text' },
      stream_options: { include_usage: true },
      chat_template_kwargs: {},
    },
  ],
  [
    '/v1/completions',
    { model: 'tiny', prompt: 'x', suffix: '', logprobs: 1, echo: true, n: 1, best_of: 1, max_tokens: 3, stop: 'y' },
  ],
  [
    '/v1/messages',
    {
      model: 'tiny',
      max_tokens: 5,
      system: [{ type: 'text', text: 's', cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'R' }] }] },
      ],
      tools: [{ name: 'f', description: 'd', input_schema: { type: 'object' } }],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      thinking: { type: 'enabled', budget_tokens: 1024 },
      output_config: { effort: 'low' },
      stop_sequences: ['x'],
    },
  ],
  [
    '/v1/responses',
    {
      model: 'tiny',
      instructions: 's',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'x' }] },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'h' }],
          encrypted_content: 'omg1.aG0',
        },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'R' }] },
      ],
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object' }, strict: false }],
      tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] },
      text: { format: { type: 'text' } },
      reasoning: { effort: 'low', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
      max_output_tokens: 5,
      truncation: 'auto',
      metadata: { a: 'b' },
    },
  ],
  ['/v1/messages/count_tokens', { model: 'tiny', messages: [{ role: 'user', content: 'x' }], system: 's' }],
  ['/ohmygpu/v1/models/tiny/start', { context_length: 64, keep_alive: '5m' }],
  ['/ohmygpu/v1/models/gc', { dry_run: true }],
];

const AT_ONCE = 32;

const ODD: unknown[] = [
  null,
  true,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  'x',
  '\u0000',
  '../../etc/passwd',
  'a/b/c/d:e:f',
  'http://127.0.0.1:1/',
  '{{',
  'x'.repeat(5000),
  [],
  [[]],
  [null],
  {},
  { a: { b: 1 } },
  JSON.parse('{"__proto__":{"x":1},"constructor":1}'),
];

/** Every body that differs from `value` in one place. */
function* broken(value: unknown): Generator<unknown> {
  yield* ODD;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    for (const other of broken(child)) {
      if (Array.isArray(value)) yield value.with(Number(key), other);
      else yield { ...value, [key]: other };
    }
  }
}

test.each(BODIES)(
  '%s answers every broken body with less than 500, or says that it is not supported',
  { timeout: 60_000 },
  async (path, body) => {
    const failures: string[] = [];
    const check = async (odd: unknown): Promise<void> => {
      const text = JSON.stringify(odd);
      const { statusCode, answer } = await send(path, text);
      const shown = `${statusCode} ${text.slice(0, 200)} → ${answer.slice(0, 200)}`;
      if (statusCode >= 500) failures.push(shown);
      else if (statusCode >= 400 && !/"error":("|\{)/.test(answer)) failures.push(`no envelope: ${shown}`);
    };
    const bodies = [...broken(body)];
    for (let index = 0; index < bodies.length; index += AT_ONCE)
      await Promise.all(bodies.slice(index, index + AT_ONCE).map(check));
    expect(failures).toEqual([]);
    expect((await served.client.health()).status).toBe('ok');
  },
);

async function send(path: string, body: string): Promise<{ statusCode: number; answer: string }> {
  const reply = await fetch(served.url + path, { method: 'POST', body });
  return { statusCode: reply.status, answer: await reply.text() };
}

test.each([
  '/v1/models/%00',
  '/v1/models/%E0%A4%A',
  '/v1/models/..%2F..%2Fetc',
  `/v1/models/${'x'.repeat(9000)}`,
  '/v1/models/a:b:c',
  '/%2e%2e/x',
  '/ohmygpu/v1/models/%ff',
  '/v1/models/pull/%2F',
  '/?x=%',
])('the path %s is answered', async (path) => {
  const reply = await fetch(served.url + path);
  expect(reply.status).toBeLessThan(500);
  if (reply.status >= 400) expect(await reply.text()).toMatch(/^\{"error":("|\{)/);
});

test('bodies that are not JSON at all, too deep, or cut off', async () => {
  for (const body of [
    '',
    '\u0000',
    'null',
    '"x"',
    '1e999',
    '[',
    `${'['.repeat(100_000)}`,
    `{"model":"tiny","messages":${'['.repeat(5000)}${']'.repeat(5000)}}`,
  ]) {
    const { statusCode, answer } = await send('/v1/chat/completions', body);
    expect([statusCode, answer.startsWith('{"error":{')], body.slice(0, 20)).toEqual([400, true]);
  }
});
