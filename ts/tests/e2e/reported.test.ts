import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RealDaemon, realDaemon } from './real-daemon.ts';

// What people reported of other servers, over the real engine and the bundled model.

let daemon: RealDaemon;
beforeAll(async () => {
  daemon = await realDaemon();
});
afterAll(() => daemon.stop());

interface Call {
  index: number;
  function: { name?: string; arguments?: string };
}
interface Part {
  content?: string | null;
  tool_calls?: Call[];
}

const user = (content: string): object => ({ role: 'user', content });
const tool = (properties: object): object => ({
  type: 'function',
  function: { name: 'look_up', description: 'Looks something up.', parameters: { type: 'object', properties } },
});

/** Bodies are written here where numbers must stay as they are. */
async function post(path: string, body: object | string): Promise<{ status: number; text: string }> {
  const text = typeof body === 'string' ? body : JSON.stringify({ model: 'demo', ...body });
  const reply = await fetch(daemon.url + path, { method: 'POST', body: text });
  return { status: reply.status, text: await reply.text() };
}

const chat = (body: object): ReturnType<typeof post> =>
  post('/v1/chat/completions', { temperature: 0, think: false, ...body });

/** Content and calls of an answer that was streamed, or was not. */
function heard(text: string): { content: string; calls: [string, string][] } {
  const parts: Part[] = text.startsWith('{')
    ? [(JSON.parse(text) as { choices: { message: Part }[] }).choices[0]?.message ?? {}]
    : text
        .split('\n')
        .filter((line) => line.startsWith('data: {'))
        .flatMap((line) => (JSON.parse(line.slice(6)) as { choices: { delta: Part }[] }).choices)
        .map(({ delta }) => delta);
  const calls: [string, string][] = [];
  for (const [at, call] of parts.flatMap(({ tool_calls }) => tool_calls ?? []).entries()) {
    const index = call.index ?? at;
    const [name, json] = calls[index] ?? ['', ''];
    calls[index] = [name + (call.function.name ?? ''), json + (call.function.arguments ?? '')];
  }
  return { content: parts.map(({ content }) => content ?? '').join(''), calls };
}

test('arguments that were cut off are no reason to refuse the conversation', async () => {
  const call = (json: string) => ({ id: 'c1', type: 'function', function: { name: 'look_up', arguments: json } });
  for (const json of ['{"city": "Pa', '{"city": ', '', '{', 'nothing']) {
    const messages = [
      user('Go'),
      { role: 'assistant', content: null, tool_calls: [call(json)] },
      { role: 'tool', tool_call_id: 'c1', content: 'The arguments were not valid.' },
      user('Continue.'),
    ];
    const asked = { max_tokens: 4, tools: [tool({ city: { type: 'string' } })], messages };
    expect(await chat(asked)).toMatchObject({ status: 200 });
    const input = [
      { type: 'function_call', call_id: 'c1', name: 'look_up', arguments: json },
      { type: 'function_call_output', call_id: 'c1', output: 'The tool was not run.' },
      user('Continue.'),
    ];
    expect(await post('/v1/responses', { max_output_tokens: 4, input })).toMatchObject({ status: 200 });
  }
});

test('wherever `max_tokens` cuts a call, a stream says what the whole answer says', async () => {
  const asked = {
    messages: [user('What is the weather in Paris?')],
    tools: [tool({ city: { type: 'string' } })],
    tool_choice: 'required',
  };
  for (const max_tokens of [1, 4, 8, 12, 16, 18, 20, 24]) {
    const whole = await chat({ ...asked, max_tokens });
    const streamed = await chat({ ...asked, max_tokens, stream: true });
    expect([whole.status, streamed.status]).toEqual([200, 200]);
    expect(heard(streamed.text), `${max_tokens} tokens`).toEqual(heard(whole.text));
  }
});

const NUMBERS = ['1234567890123456789', '18446744073709551615', '-9223372036854775808'];

test.each(NUMBERS)('%s keeps every digit, in the history and in what a schema asks for', async (big) => {
  const history = [
    user('Go'),
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look_up', arguments: `{"id": ${big}}` } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'ok' },
  ];
  const applied = await post('/apply-template', { messages: history, tools: [tool({ id: { type: 'integer' } })] });
  expect((JSON.parse(applied.text) as { prompt: string }).prompt).toContain(big);
  const schema = `{"type":"object","properties":{"id":{"const":${big}}},"required":["id"],"additionalProperties":false}`;
  const head = '{"model":"demo","temperature":0,"max_tokens":200,"messages":[{"role":"user","content":"Go"}]';
  for (const [path, fields] of [
    [
      '/v1/messages',
      `"thinking":{"type":"disabled"},"tools":[{"name":"f","input_schema":${schema}}],"tool_choice":{"type":"any"}`,
    ],
    [
      '/v1/chat/completions',
      `"think":false,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":${schema}}}`,
    ],
    ['/api/chat', `"think":false,"stream":false,"format":${schema}`],
  ] as const) {
    const { status, text } = await post(path, `${head},${fields}}`);
    expect([status, text], path).toEqual([200, expect.stringContaining(big)]);
  }
  const format = `{"type":"json_schema","name":"x","schema":${schema}}`;
  const input = `"max_output_tokens":200,"reasoning":{"effort":"none"},"input":"Go","text":{"format":${format}}`;
  const { status, text } = await post('/v1/responses', `{"model":"demo","temperature":0,${input}}`);
  expect(status, text).toBe(200);
  const { output } = JSON.parse(text) as { output: { type: string; content: { text: string }[] }[] };
  expect(output.find(({ type }) => type === 'message')?.content[0]?.text).toContain(big);
});

test('properties come in the order of the schema, also those whose names are numbers', async () => {
  const properties = '"b":{"const":1},"10":{"const":2},"9":{"const":3},"a":{"const":4}';
  const schema = `{"type":"object","properties":{${properties}},"required":["9","a","10","b"],"additionalProperties":false}`;
  const head =
    '{"model":"demo","temperature":0,"max_tokens":200,"messages":[{"role":"user","content":"Go"}],"think":false';
  const forced = `"tool_choice":"required","tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}]`;
  const format = `"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":${schema}}}`;
  for (const fields of [format, forced]) {
    const { status, text } = await post('/v1/chat/completions', `${head},${fields}}`);
    expect(status, text).toBe(200);
    const { content, calls } = heard(text);
    expect((content || calls[0]?.[1])?.replace(/\s/g, '')).toBe('{"b":1,"10":2,"9":3,"a":4}');
  }
});

test.each([
  ['uniqueItems', { type: 'array', items: { type: 'integer' }, uniqueItems: true }],
  ['else', { type: 'object', if: { required: ['x'] }, else: { required: ['y'] }, properties: { x: {}, y: {} } }],
  ['maxContains', { type: 'array', contains: { const: 1 }, maxContains: 2 }],
  ['oneOf', { oneOf: [{ type: 'integer' }, { type: 'number', minimum: 3 }] }],
])('a strict schema with `%s`, which no grammar can follow, is refused by its place', async (keyword, a) => {
  const schema = { type: 'object', properties: { a }, required: ['a'], additionalProperties: false };
  const asked = (strict: boolean) => ({
    max_tokens: 4,
    messages: [user('Go')],
    response_format: { type: 'json_schema', json_schema: { name: 'x', strict, schema } },
  });
  expect(await chat(asked(true))).toEqual({ status: 400, text: expect.stringContaining(`properties.a.${keyword}`) });
  expect(await chat(asked(false))).toMatchObject({ status: 200 });
});

test('a schema beside `json_object` binds the answer', async () => {
  const schema = {
    type: 'object',
    properties: { a: { type: 'integer' } },
    required: ['a'],
    additionalProperties: false,
  };
  const response_format = { type: 'json_object', schema };
  const { text } = await chat({ max_tokens: 60, messages: [user('x')], response_format });
  expect(Object.keys(JSON.parse(heard(text).content) as object)).toEqual(['a']);
});

test('a pattern goes with a length, and one that cannot be followed is refused by its path', async () => {
  const domain = {
    type: 'string',
    minLength: 1,
    maxLength: 253,
    pattern: '^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$',
  };
  const forced = { max_tokens: 300, messages: [user('Go')], tools: [tool({ domain })], tool_choice: 'required' };
  expect(await chat(forced)).toMatchObject({ status: 200 });
  const schema = {
    type: 'object',
    properties: { a: { type: 'string', pattern: '^(?!foo)[a-z]+$' } },
    required: ['a'],
    additionalProperties: false,
  };
  const response_format = { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } };
  expect(await chat({ messages: [user('Go')], response_format })).toEqual({
    status: 400,
    text: expect.stringContaining('properties.a.pattern'),
  });
});

test('an answer that ends within a character says nothing of it', async () => {
  for (let max_tokens = 1; max_tokens < 8; max_tokens++) {
    for (const stream of [false, true]) {
      const { status, text } = await chat({ max_tokens, stream, messages: [user('x')], grammar: 'root ::= "a👩é"' });
      expect(status, text).toBe(200);
      expect('a👩é'.startsWith(heard(text).content), text).toBe(true);
    }
  }
});

test('what coding tools offer beside functions is left out, and becomes text in the history', async () => {
  const tools = [
    { type: 'function', name: 'look_up', parameters: { type: 'object', properties: {} }, strict: false },
    {
      type: 'custom',
      name: 'apply_patch',
      description: 'Patches.',
      format: { type: 'grammar', syntax: 'lark', definition: 'start: /.+/' },
    },
    { type: 'local_shell' },
  ];
  expect(await post('/v1/responses', { max_output_tokens: 4, input: 'Hi', tools })).toMatchObject({ status: 200 });
  const input = [
    user('Hi'),
    { type: 'custom_tool_call', call_id: 'c1', name: 'apply_patch', input: '*** Begin Patch' },
    { type: 'custom_tool_call_output', call_id: 'c1', output: 'ok' },
    user('Go on'),
  ];
  expect(await post('/v1/responses', { max_output_tokens: 4, input })).toMatchObject({ status: 200 });
});
