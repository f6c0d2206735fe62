import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

const CHATML =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

let served: TestDaemon;
let ollama: Ollama;
beforeAll(async () => {
  served = await testDaemon({ script: { reply: 'Hello.', header: { chatTemplate: CHATML } } });
  ollama = new Ollama({ host: served.url });
});
afterAll(() => served.stop());
beforeEach(async () => {
  await served.install('base');
});

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  const reply = await fetch(`${served.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: reply.status, text: await reply.text() };
}

const bodyOf = (text: string): { status?: string; error?: string; code?: string } => JSON.parse(text);
const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const statuses = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { status: string }).status);

async function render(model: string, messages: object[]): Promise<string> {
  const { text } = await call('POST', '/api/chat', { model, messages, _debug_render_only: true });
  return (JSON.parse(text) as { _debug_info: { rendered_template: string } })._debug_info.rendered_template;
}

test('the flow of `ollama create`: upload by digest, create of files, chat', async () => {
  const bytes = 'GGUF uploaded model';
  const digest = digestOf(bytes);
  expect((await call('HEAD', `/api/blobs/${digest}`)).status).toBe(404);
  expect((await call('POST', `/api/blobs/${digest}`, bytes)).status).toBe(201);
  expect((await call('HEAD', `/api/blobs/${digest.replace(':', '-')}`)).status).toBe(200);
  expect((await call('POST', `/api/blobs/${digest}`, bytes)).status).toBe(200);
  const created = await call('POST', '/api/create', {
    model: 'mine',
    files: { 'sha256-abc': digest },
    system: 'Be kind.',
  });
  expect(created.status).toBe(200);
  expect(statuses(created.text)).toEqual([
    'parsing GGUF',
    `using existing layer ${digest}`,
    'writing manifest',
    'success',
  ]);
  const reply = await ollama.chat({ model: 'mine', messages: [{ role: 'user', content: 'Hi' }] });
  expect(reply.message.content).toBe('Hello.');
  // As Ollama's CLI asks: a text without anything in it is no wish.
  expect((await ollama.show({ model: 'mine', system: '' })).system).toBe('Be kind.');
});

test('a digest that the bytes do not have leaves nothing', async () => {
  const digest = digestOf('what was meant');
  const { status, text } = await call('POST', `/api/blobs/${digest}`, 'what was sent');
  expect([status, bodyOf(text).code]).toEqual([400, 'invalid_request']);
  expect((await call('HEAD', `/api/blobs/${digest}`)).status).toBe(404);
  for (const bad of ['sha256:12', 'md5:00', `sha256:${'g'.repeat(64)}`]) {
    expect((await call('POST', `/api/blobs/${bad}`, 'x')).status).toBe(400);
    expect((await call('HEAD', `/api/blobs/${bad}`)).status).toBe(400);
  }
});

test('an upload that breaks off leaves nothing, and the daemon lives', async () => {
  const digest = digestOf('x'.repeat(1000));
  await new Promise<void>((resolve) => {
    const request = httpRequest(`${served.url}/api/blobs/${digest}`, {
      method: 'POST',
      headers: { 'content-length': 1000 },
    });
    request.on('error', () => resolve());
    request.write('x'.repeat(10), () => request.destroy(new Error('gone')));
  });
  expect((await call('HEAD', `/api/blobs/${digest}`)).status).toBe(404);
  expect((await call('GET', '/api/version')).status).toBe(200);
});

test('gc keeps an upload that nothing uses yet, and takes it when asked to', async () => {
  const digest = digestOf('waiting for its model');
  await call('POST', `/api/blobs/${digest}`, 'waiting for its model');
  await served.client.gc();
  expect((await call('HEAD', `/api/blobs/${digest}`)).status).toBe(200);
});

test('ollama-js creates from a model: system, template, parameters and messages take effect on every surface', async () => {
  const template = CHATML.replaceAll('im_', 'x_');
  const progress = await ollama.create({
    model: 'pirate',
    from: 'base',
    system: 'Talk like a pirate.',
    template,
    parameters: { temperature: 0.1, num_ctx: 1024, num_predict: 1, stop: ['ARR', 'YO'] },
    messages: [
      { role: 'user', content: 'Who?' },
      { role: 'assistant', content: 'Me.' },
    ],
    license: ['MIT', 'more'],
    stream: true,
  });
  const lines: string[] = [];
  for await (const { status } of progress) lines.push(status);
  expect([lines[0]?.replace(/[0-9a-f]{64}/, '…'), ...lines.slice(-2)]).toEqual([
    'using existing layer sha256:…',
    'writing manifest',
    'success',
  ]);

  const turns =
    '<|x_start|>user\nWho?<|x_end|>\n<|x_start|>assistant\nMe.<|x_end|>\n<|x_start|>user\nHi<|x_end|>\n<|x_start|>assistant\n';
  const hi = { role: 'user', content: 'Hi' };
  expect(await render('pirate', [hi])).toBe(`<|x_start|>system\nTalk like a pirate.<|x_end|>\n${turns}`);
  expect(await render('pirate', [{ role: 'system', content: 'No.' }, hi])).toBe(
    `<|x_start|>system\nNo.<|x_end|>\n${turns}`,
  );

  await ollama.chat({ model: 'pirate', messages: [hi] });
  for (const [path, body] of [
    ['/v1/chat/completions', { messages: [hi] }],
    ['/v1/messages', { messages: [hi], max_tokens: 9 }],
    ['/api/generate', { prompt: 'Hi' }],
  ] as const) {
    expect((await call('POST', path, { model: 'pirate', stream: false, ...body })).status, path).toBe(200);
  }
  const asked = served.engine.generations.slice(-4).map(({ request }) => request);
  for (const request of asked) {
    expect(request.prompt.map((segment) => (segment.kind === 'text' ? segment.text : '')).join('')).toContain('pirate');
    expect(request.sampling.temperature).toBe(0.1);
    expect(request.stop).toEqual(['ARR', 'YO']);
  }
  expect(asked.map(({ maxTokens }) => maxTokens)).toEqual([1, 1, 9, 1]);
  expect(served.engine.loads.at(-1)?.contextLength).toBe(1024);

  const shown = await ollama.show({ model: 'pirate' });
  expect(shown).toMatchObject({
    system: 'Talk like a pirate.',
    template,
    license: 'MIT\n\nmore',
    details: { parent_model: 'base:latest' },
    messages: [{ content: 'Who?' }, { content: 'Me.' }],
  });
  for (const line of [
    'FROM pirate:latest',
    'SYSTEM "Talk like a pirate."',
    'PARAMETER temperature 0.1',
    'PARAMETER stop "ARR"',
    'MESSAGE assistant "Me."',
    'LICENSE "MIT"',
  ]) {
    expect(shown.modelfile.split('\n')).toContain(line);
  }
  expect(shown.modelfile).toContain(`TEMPLATE """${template}"""`);
});

test('a created model outlives its parent, is copied with all it says, and has an id of its own', async () => {
  await ollama.create({ model: 'child', from: 'base', system: 'Child.' });
  await ollama.create({ model: 'grandchild', from: 'child', parameters: { top_k: 3 } });
  await ollama.copy({ source: 'grandchild', destination: 'twin' });
  const digests = new Map((await ollama.list()).models.map(({ name, digest }) => [name, digest]));
  expect(digests.get('child:latest')).not.toBe(digests.get('base:latest'));
  expect(digests.get('twin:latest')).toBe(digests.get('grandchild:latest'));
  for (const model of ['base', 'child', 'grandchild']) await ollama.delete({ model });
  await served.client.gc();
  expect(await ollama.show({ model: 'twin' })).toMatchObject({
    system: 'Child.',
    parameters: expect.stringMatching(/^top_k +3$/m),
  });
  expect((await ollama.chat({ model: 'twin', messages: [{ role: 'user', content: 'Hi' }] })).message.content).toBe(
    'Hello.',
  );
  await ollama.delete({ model: 'twin' });
});

test('models that differ in what they say share what is loaded', async () => {
  await ollama.create({ model: 'sharing', from: 'base', system: 'Share.' });
  await ollama.generate({ model: 'base', prompt: 'a' });
  const before = served.engine.loads.length;
  await ollama.generate({ model: 'sharing', prompt: 'a' });
  expect(served.engine.loads.length).toBe(before);
  const running = async (): Promise<string[]> => (await ollama.ps()).models.map(({ name }) => name);
  expect(await running()).toContain('sharing:latest');
  await ollama.delete({ model: 'sharing' });
  expect(await running()).toContain('base:latest');
  await ollama.generate({ model: 'base', prompt: 'a' });
  expect(served.engine.loads.length).toBe(before);
});

test('a safetensors folder is uploaded file by file; what belongs to no model is left out', async () => {
  const head = Buffer.concat([Buffer.from(BigUint64Array.of(2n).buffer), Buffer.from('{}')]).toString('latin1');
  const texts = { 'config.json': '{}', 'tokenizer.json': '{ }', 'model.safetensors': head, 'README.md': 'read me' };
  const files: Record<string, string> = {};
  for (const [name, text] of Object.entries(texts)) {
    files[name] = digestOf(text);
    await call('POST', `/api/blobs/${files[name]}`, text);
  }
  const created = await call('POST', '/api/create', { model: 'folder', files });
  expect(statuses(created.text)).toContain('reading safetensors');
  const entry = await served.client.model('folder');
  expect(entry.files.map(({ name }) => name).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  const { 'model.safetensors': _, ...rest } = files;
  const incomplete = await call('POST', '/api/create', { model: 'half', files: rest, stream: false });
  expect([incomplete.status, bodyOf(incomplete.text).code]).toEqual([422, 'no_model_files']);
});

test('a Go template of one exchange writes what Ollama writes', async () => {
  const template =
    '{{ if .System }}<|system|>{{ .System }}<|end|>{{ end }}<|user|>{{ .Prompt }}<|end|><|assistant|>{{ .Response }}<|end|>\n';
  await ollama.create({ model: 'go', from: 'base', template, system: "It's \\ {{ fine }}" });
  const messages = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
    { role: 'user', content: 'c' },
  ];
  expect(await render('go', messages)).toBe(
    "<|system|>It's \\ {{ fine }}<|end|><|user|>a<|end|><|assistant|>b<|end|>\n<|user|>c<|end|><|assistant|>",
  );
  expect((await ollama.show({ model: 'go' })).template).toBe(template);
});

const TURNS = [
  { role: 'user', content: 'A' },
  { role: 'assistant', content: 'B' },
  { role: 'user', content: 'C' },
];

test('a Go template without a place for the answer gets it at its end', async () => {
  const template = '[INST] {{ if .System }}{{ .System }} {{ end }}{{ .Prompt }} [/INST]';
  await ollama.create({ model: 'go-open', from: 'base', template });
  expect(await render('go-open', TURNS)).toBe('[INST] A [/INST]B[INST] C [/INST]');
});

test('a Go template of messages with tools and thinking works on every route', async () => {
  const template = `{{- range .Messages }}<|im_start|>{{ .Role }}
{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ .Content }}
{{- range .ToolCalls }}<tool_call>{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}</tool_call>{{ end }}<|im_end|>
{{ end }}{{ if .Tools }}<tools>{{ json .Tools }}</tools>
{{ end }}{{ if and .IsThinkSet (not .Think) }}no thoughts
{{ end }}<|im_start|>assistant
`;
  await ollama.create({ model: 'go-chat', from: 'base', template, system: 'Be kind.' });
  const shown = await ollama.show({ model: 'go-chat' });
  expect(shown.template).toBe(template);
  expect((shown as unknown as { capabilities: string[] }).capabilities).toEqual(
    expect.arrayContaining(['completion', 'tools', 'thinking']),
  );
  const before = '<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nA<|im_end|>\n';
  expect(await render('go-chat', TURNS)).toBe(
    `${before}<|im_start|>assistant\nB<|im_end|>\n<|im_start|>user\nC<|im_end|>\n<|im_start|>assistant\n`,
  );
  const asked = async (path: string, body: object): Promise<string> => {
    const { status, text } = await call('POST', path, { model: 'go-chat', ...body, _debug_render_only: true });
    expect(status, text).toBe(200);
    return (JSON.parse(text) as { _debug_info: { rendered_template: string } })._debug_info.rendered_template;
  };
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];
  const called = [
    { role: 'user', content: 'A' },
    { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: { x: '<b>' } } }] },
    { role: 'tool', content: 'r', tool_name: 'f' },
  ];
  expect(await asked('/api/chat', { messages: called, tools, think: false })).toBe(
    `${before}<|im_start|>assistant\n<tool_call>{"name": "f", "arguments": {"x":"\\u003cb\\u003e"}}</tool_call><|im_end|>\n` +
      '<|im_start|>tool\nr<|im_end|>\n<tools>[{"type":"function","function":{"name":"f","description":"","parameters":{"type":"object","properties":{}}}}]</tools>\n' +
      'no thoughts\n<|im_start|>assistant\n',
  );
  expect(await asked('/api/generate', { prompt: 'A' })).toBe(`${before}<|im_start|>assistant\n`);
  expect(await asked('/api/generate', { prompt: 'A', template: '<{{ .System }}|{{ .Prompt }}>' })).toBe('<Be kind.|A>');
  const wrong = await call('POST', '/api/generate', { model: 'go-chat', prompt: 'A', template: '{{ .Prompt' });
  expect([wrong.status, bodyOf(wrong.text).code]).toEqual([400, 'template_failed']);
});

test('a Go template with a place for a suffix fills gaps', async () => {
  const template = '{{ if .Suffix }}<PRE>{{ .Prompt }}<SUF>{{ .Suffix }}<MID>{{ else }}{{ .Prompt }}{{ end }}';
  await ollama.create({ model: 'go-fim', from: 'base', template, system: 'Be kind.' });
  const shown = await ollama.show({ model: 'go-fim' });
  expect([shown.template, (shown as unknown as { capabilities: string[] }).capabilities]).toEqual([
    template,
    expect.arrayContaining(['insert']),
  ]);
  const gap = { model: 'go-fim', prompt: 'a', suffix: 'b' };
  const { text } = await call('POST', '/api/generate', { ...gap, _debug_render_only: true });
  expect(JSON.parse(text)).toMatchObject({ _debug_info: { rendered_template: '<PRE>a<SUF>b<MID>' } });
  expect((await call('POST', '/v1/completions', { ...gap, max_tokens: 3 })).status).toBe(200);
  const refused = await call('POST', '/api/generate', { ...gap, template: '{{ .Prompt }}' });
  expect([refused.status, bodyOf(refused.text).code]).toEqual([400, 'unsupported']);
});

test('a renderer and a parser are kept and shown, and a warning says that the template is used', async () => {
  const body = { from: 'base', renderer: 'qwen3-coder', parser: 'qwen3-coder' };
  const created = await call('POST', '/api/create', { model: 'named', ...body });
  const lines = created.text.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line)).filter(({ warning }) => warning !== undefined)).toEqual([
    {
      status: expect.stringContaining('warning: '),
      warning: expect.stringMatching(/renderer "qwen3-coder".*template/),
    },
    { status: expect.stringContaining('warning: '), warning: expect.stringMatching(/parser "qwen3-coder".*template/) },
  ]);
  expect(statuses(created.text).at(-1)).toBe('success');
  const whole = await call('POST', '/api/create', { model: 'named2', ...body, stream: false });
  expect([whole.status, JSON.parse(whole.text)]).toEqual([
    200,
    { status: 'success', warnings: [expect.stringContaining('renderer'), expect.stringContaining('parser')] },
  ]);
  const shown = (await ollama.show({ model: 'named' })) as unknown as Record<string, string>;
  expect(shown).toMatchObject({ renderer: 'qwen3-coder', parser: 'qwen3-coder' });
  expect(shown.modelfile).toMatch(/^RENDERER qwen3-coder\nPARSER qwen3-coder$/m);
  await ollama.create({ model: 'above', from: 'named', system: 'S' });
  expect(await ollama.show({ model: 'above' })).toMatchObject({ renderer: 'qwen3-coder' });
});

test('quantise writes new weights with progress, from a model and from uploads', async () => {
  const created = await call('POST', '/api/create', {
    model: 'small',
    from: 'base',
    system: 'Be small.',
    quantize: 'q4_K_M',
  });
  const lines = created.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ status }) => status)).toEqual([
    'quantizing Q8_0 model to Q4_K_M',
    'quantizing Q8_0 model to Q4_K_M',
    'quantizing Q8_0 model to Q4_K_M',
    'verifying conversion',
    'writing manifest',
    'success',
  ]);
  expect(lines[2]).toMatchObject({ digest: expect.stringMatching(/^sha256:/), completed: lines[2]?.total });
  const { models } = await ollama.list();
  const [small, base] = ['small:latest', 'base:latest'].map((name) => models.find((model) => model.name === name));
  expect(small?.size).toBe((base?.size ?? 0) + ' q4_K_M'.length);
  expect(await ollama.show({ model: 'small' })).toMatchObject({
    system: 'Be small.',
    details: { parent_model: 'base:latest' },
  });

  const bytes = 'GGUF to be quantised';
  await call('POST', `/api/blobs/${digestOf(bytes)}`, bytes);
  const files = { 'weights.gguf': digestOf(bytes) };
  const upload = await call('POST', '/api/create', { model: 'small2', files, quantize: 'q8_0', stream: false });
  expect(bodyOf(upload.text)).toEqual({ status: 'success' });
  const refused = await call('POST', '/api/create', { model: 'small3', files, quantize: 'best', stream: false });
  expect([refused.status, bodyOf(refused.text).code]).toEqual([400, 'invalid_request']);
  await ollama.delete({ model: 'small' });
  await ollama.delete({ model: 'small2' });
});

test('without a stream there is one object; errors have a status', async () => {
  const reply = await call('POST', '/api/create', { model: 'one', from: 'base', stream: false });
  expect([reply.status, bodyOf(reply.text)]).toEqual([200, { status: 'success' }]);
  const wrong: [number, string, object][] = [
    [400, 'invalid_request', { from: 'base' }],
    [400, 'invalid_request', { model: 'x' }],
    [400, 'invalid_request', { model: 'x', files: { '../m.gguf': digestOf('') } }],
    [400, 'invalid_request', { model: 'x', files: { '/m.gguf': digestOf('') } }],
    [400, 'invalid_request', { model: 'x', files: { 'm.gguf': 'sha256:12' } }],
    [400, 'invalid_request', { model: 'x', files: { 'm.gguf': digestOf('never sent') } }],
    [400, 'invalid_request', { model: 'x', from: 'base', files: { 'm.gguf': digestOf('') } }],
    [400, 'invalid_request', { model: 'x', from: 'base', parameters: { nope: 1 } }],
    [400, 'invalid_request', { model: 'x', from: 'base', parameters: { top_k: 'many' } }],
    [400, 'invalid_request', { model: 'x', from: 'base', messages: [{ role: 'clown', content: 'a' }] }],
    [400, 'invalid_request', { model: 'x', from: 'base', requires: 'new' }],
    [400, 'unsupported', { model: 'x', from: 'base', requires: '99.0' }],
    [400, 'unsupported', { model: 'x', from: 'base', adapters: { 'a.gguf': digestOf('') } }],
    [400, 'template_failed', { model: 'x', from: 'base', template: '{{ range .Messages }}' }],
    [400, 'template_failed', { model: 'x', from: 'base', template: '{{ .Prompt | nope }}' }],
    [400, 'template_failed', { model: 'x', from: 'base', template: '{% if %}' }],
    [400, 'invalid_model_name', { model: '../x', from: 'base' }],
    [502, 'hub_unreachable', { model: 'x', from: 'unknown' }],
  ];
  for (const [status, code, body] of wrong) {
    const { status: got, text } = await call('POST', '/api/create', { ...body, stream: false });
    expect([got, bodyOf(text).code], JSON.stringify(body)).toEqual([status, code]);
  }
  expect((await ollama.list()).models.map(({ name }) => name)).not.toContain('x:latest');
});

test('push is refused in both forms with a status', async () => {
  for (const stream of [true, false]) {
    const { status, text } = await call('POST', '/api/push', { model: 'base', stream });
    expect([status, bodyOf(text).error]).toEqual([501, 'push is not supported']);
  }
  expect((await call('POST', '/api/push', { model: 'nope' })).status).toBe(404);
  expect((await call('POST', '/api/push', {})).status).toBe(400);
});
