import { expect, test } from 'vitest';
import type { ChatRequest, Grammar } from '../inference/index.ts';
import { ChatTemplates } from './chat-templates.ts';
import { ALWAYS_THINKS, CHATML_THINKING, LLAMA3, MISTRAL, PLAIN } from './fixtures/templates.ts';
import { runTask } from './template-task.ts';

const templates = new ChatTemplates({ run: async (task) => runTask(task), close: async () => {} });

const weather = { name: 'get_weather', parameters: { properties: { city: { type: 'string' } } } };
const time = { name: 'time' };

async function grammarOf(template: string, request: Partial<ChatRequest>): Promise<Grammar | undefined> {
  const header = { chatTemplate: template, metadata: {}, specialTokens: { bos_token: '<s>', eos_token: '</s>' } };
  const messages: ChatRequest['messages'] = [{ role: 'user', content: 'Hi' }];
  return (await templates.render(header, { messages, sampling: {}, stop: [], onOverflow: 'error', ...request }))
    .grammar;
}

async function larkOf(template: string, request: Partial<ChatRequest>): Promise<Extract<Grammar, { kind: 'lark' }>> {
  const grammar = await grammarOf(template, request);
  if (grammar?.kind !== 'lark') throw new Error(`no lark grammar: ${JSON.stringify(grammar)}`);
  return grammar;
}

const SPAN = { open: '<think>', close: '</think>' };

test('a format begins after the thoughts, where there may be any', async () => {
  const outputFormat = { kind: 'json_object' } as const;
  expect(await grammarOf(PLAIN, { outputFormat })).toEqual(outputFormat);
  expect(await grammarOf(CHATML_THINKING, { outputFormat })).toEqual({
    ...outputFormat,
    after: { span: { ...SPAN, opened: false } },
  });
  expect(await grammarOf(CHATML_THINKING, { outputFormat, think: false })).toEqual(outputFormat);
  expect(await grammarOf(ALWAYS_THINKS, { outputFormat, think: false })).toEqual({
    ...outputFormat,
    after: { span: { ...SPAN, opened: true } },
  });
  expect(await grammarOf(CHATML_THINKING, { tools: [weather] })).toBeUndefined();
});

test('a forced call is written as the model writes calls', async () => {
  const request = { tools: [weather, time], toolChoice: 'required', singleCall: true, think: false } as const;
  const hermes = await larkOf(CHATML_THINKING, { ...request, tools: [...request.tools] });
  expect(hermes).not.toHaveProperty('after');
  expect(hermes.source).toContain('start: calls');
  expect(hermes.source).toContain('calls: open_tag announced');
  expect(hermes.source).not.toContain('{0,');
  expect(hermes.rules).toEqual({
    open_tag: { text: '<tool_call>' },
    end_tag: { text: '</tool_call>' },
    arguments_0: { schema: { type: 'object', ...weather.parameters }, strict: false },
    arguments_1: { schema: { type: 'object' }, strict: false },
  });
  const mistral = await larkOf(MISTRAL, { ...request, tools: [...request.tools] });
  expect(mistral.rules?.open_tag).toEqual({ text: '[TOOL_CALLS]' });
  expect(mistral.source).toContain('"[" SPACE? one_call SPACE? "]"');
  const llama = await larkOf(LLAMA3, { ...request, tools: [...request.tools] });
  expect(llama.rules).not.toHaveProperty('open_tag');
  const named = await larkOf(CHATML_THINKING, { tools: [weather, time], toolChoice: { name: 'time' } });
  expect(Object.keys(named.rules ?? {}).sort()).toEqual(['again_tag', 'arguments_0', 'end_tag', 'open_tag']);
  expect(named.source).not.toContain('get_weather');
  expect(named.source).toContain('{0,15}');
});

test('strict tools bind a call once it is announced, and the answer is free to be none', async () => {
  const tools = [{ ...weather, strict: true }, time];
  const lazy = await larkOf(CHATML_THINKING, { tools });
  expect(lazy.after).toEqual({ span: { ...SPAN, opened: false }, opener: '<tool_call>' });
  expect(lazy.source).toContain('start: announced');
  expect(lazy.rules?.arguments_0).toMatchObject({ strict: true });
  const bare = await larkOf(LLAMA3, { tools });
  expect(bare).not.toHaveProperty('after.opener');
  expect(bare.source).toMatch(/^start: calls \| FREE\n/);
  const both = await larkOf(CHATML_THINKING, { tools, outputFormat: { kind: 'json_schema', schema: {} } });
  expect(both.source).toMatch(/^start: calls \| document\n/);
  expect(both.rules?.document).toEqual({ schema: {}, strict: false });
});
