import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChatTemplates, type RenderedPrompt, translateEvents } from '../../chat/index.ts';
import { RunnerEngine } from '../../engine/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { ChatEvent, ChatRequest } from '../../inference/index.ts';
import { demoModel, Library } from '../../library/index.ts';
import { ModelManager } from '../../lifecycle/index.ts';

// The call grammar of every spelling, drawn from by the real engine and read by the reader of that spelling. The bundled model has the
// special tokens of none of these families, so their tags are text to it.

const TEMPLATES: Record<string, string> = {
  hermes: '<tool_call>{"name": ..., "arguments": ...}</tool_call>',
  'qwen3-coder': '<tool_call><function=name><parameter=key>value</parameter></function></tool_call>',
  'mistral, a list': '[TOOL_CALLS] [{"name": ..., "arguments": ...}]',
  'mistral, name and arguments': '[TOOL_CALLS]name[ARGS]{...}',
  'phi-4-mini': '<|tool|>',
  granite: '<|tool_call|>[{"name": ..., "arguments": ...}]',
  'llama 3.1': '<|python_tag|> {"name": ..., "parameters": ...}',
  'llama 3.2': 'a JSON with "parameters"',
  'deepseek v3': '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>name\n```json',
  'deepseek v3.1': '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>name<｜tool▁sep｜>',
  lfm2: '<|tool_call_start|>[name(a=1)]<|tool_call_end|>',
  'glm-4.5': '<tool_call>name\n<arg_key>key</arg_key>\n<arg_value>value</arg_value>\n</tool_call>',
  'glm-4.7': '<tool_call>name<arg_key>key</arg_key><arg_value>value</arg_value></tool_call>',
  'kimi k2': '<|tool_calls_section_begin|><|tool_call_begin|>functions.name:0<|tool_call_argument_begin|>{}',
  'minimax m2':
    '<minimax:tool_call><invoke name="name"><parameter name="key">value</parameter></invoke></minimax:tool_call>',
  'deepseek v3.2': '<｜DSML｜function_calls><｜DSML｜invoke name="name">',
  'seed-oss': '<seed:tool_call><function=name><parameter=key>value</parameter></function></seed:tool_call>',
  'command a': '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "name", "parameters": {}}]<|END_ACTION|>',
  apertus: '<|tools_prefix|>[{"name": {}}]<|tools_suffix|>',
  hunyuan: '<tool_calls>[{"name": "name", "arguments": {}}]</tool_calls>',
  'hy 2': '<tool_calls><tool_call>name<tool_sep><arg_key>key</arg_key></tool_call></tool_calls>',
  'nemotron nano 2': '<TOOLCALL>[{"name": "name", "arguments": {}}]</TOOLCALL>',
  'olmo 3': '<function_calls>name(key="value")</function_calls>',
  'llama 4': '<|python_start|>[name(key="value")]<|python_end|>',
  'gemma 4': '<|tool_call>call:name{key:<|"|>value<|"|>}<tool_call|>',
  functiongemma: '<start_function_call>call:name{key:<escape>value<escape>}<end_function_call>',
  'thinking hermes': '<tool_call></tool_call><think></think>',
  'gpt-oss': '<|channel|>analysis<|message|><|end|>',
};

const parameters = {
  type: 'object',
  properties: {
    city: { type: 'string', maxLength: 8 },
    days: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 31 }, maxItems: 3 },
    unit: { enum: ['"C"', '°F', null] },
  },
  required: ['city', 'unit'],
  additionalProperties: false,
};
const tools = [
  { name: 'get_weather', description: 'd', parameters, strict: true },
  { name: 'list-all.v2', parameters: { type: 'object', additionalProperties: false } },
];

const validate = new Ajv2020({ strict: false }).compile(parameters);
const templates = new ChatTemplates();
let folder: string;
let manager: ModelManager;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omg-e2e-'));
  manager = new ModelManager({
    engine: new RunnerEngine(),
    library: new Library({ modelsDir: join(folder, 'models'), bundled: [demoModel()] }),
    puller: { pull: () => Promise.reject(new OmgError('hub_unreachable', 'no hub in this test')) },
  });
});
afterAll(async () => {
  await templates.close();
  await manager.close(0);
  await rm(folder, { recursive: true, force: true });
});

/** What a model of this family is asked, by a template that only shows its signs. */
async function promptOf(signs: string, rest: Partial<ChatRequest>): Promise<RenderedPrompt> {
  const shown = JSON.stringify(signs).replaceAll("'", "\\'");
  const chatTemplate = `{{ ${shown} }}{% if tools %}{{ tools | tojson }}{% endif %}{% for message in messages %}{{ message.role }}: {{ message.content }}{% endfor %}`;
  const messages: ChatRequest['messages'] = [{ role: 'user', content: 'What is the weather in Paris?' }];
  return templates.render(
    { chatTemplate, metadata: {}, specialTokens: {} },
    { messages, tools, sampling: {}, stop: [], onOverflow: 'error', ...rest },
  );
}

async function answer({ segments, grammar, format }: RenderedPrompt, seed: number): Promise<ChatEvent[]> {
  const sampling = { temperature: 1.2, topK: 0, topP: 1, seed };
  const request = { prompt: segments, sampling, stop: [], maxTokens: 1600, grammar };
  const events: ChatEvent[] = [];
  for await (const event of translateEvents(manager.run('generate', 'demo', request), format)) events.push(event);
  return events;
}

const SEEDS = [1, 2, 3, 4, 5, 6];

test.each(Object.entries(TEMPLATES))('%s: forced calls are read as calls', async (family, signs) => {
  // Thoughts of a model that was never taught to think have no end.
  const think = family === 'gpt-oss' ? undefined : false;
  const prompt = await promptOf(signs, { toolChoice: 'required', think });
  if (prompt.grammar !== undefined && family === 'gpt-oss') delete prompt.grammar.after;
  let complete = 0;
  for (const events of await Promise.all(SEEDS.map((seed) => answer(prompt, seed)))) {
    if (events.some((event) => event.type === 'end' && event.reason === 'length')) continue;
    complete += 1;
    const calls = callsOf(events);
    expect(calls.length).toBeGreaterThan(0);
    expect(events.filter((event) => event.type === 'content' && event.text.trim() !== '')).toEqual([]);
    for (const { name, value } of calls) {
      if (name === 'list-all.v2') expect(value).toEqual({});
      else expect([name, validate(value), value]).toEqual(['get_weather', true, value]);
    }
  }
  expect(complete).toBeGreaterThan(0);
});

test.each(Object.entries(TEMPLATES))(
  '%s: strict tools, or a document beside tools, can be asked for',
  async (_, signs) => {
    const outputFormat = { kind: 'json_schema', schema: parameters, strict: true } as const;
    const beside = await promptOf(signs, { outputFormat, think: false });
    delete beside.grammar?.after;
    for (const events of await Promise.all(SEEDS.map((seed) => answer(beside, seed)))) {
      if (events.some((event) => event.type === 'end' && event.reason === 'length')) continue;
      const content = events.map((event) => (event.type === 'content' ? event.text : '')).join('');
      const calls = callsOf(events);
      expect(calls.length > 0 ? content.trim() === '' : validate(JSON.parse(content))).toBe(true);
    }
    const strict = await promptOf(signs, { think: false });
    const free = await answer(strict, 1);
    expect(free.at(-1)?.type).toBe('end');
  },
);

function callsOf(events: ChatEvent[]): { name: string; value: unknown }[] {
  return events.flatMap((event) =>
    event.type === 'tool-call' ? { name: event.call.name, value: JSON.parse(event.call.arguments) as unknown } : [],
  );
}
