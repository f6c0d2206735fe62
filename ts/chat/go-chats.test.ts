import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ChatMessage, ChatRequest } from '../inference/index.ts';
import { ChatTemplates } from './chat-templates.ts';
import { runTask } from './template-task.ts';

const folder = new URL('../../crates/omg-template/tests/fixtures/go/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, folder), 'utf8');
const family = (name: string): string => read(`chats/${name}/template.gotmpl`);

// Renders in this thread: these templates are trusted.
const templates = new ChatTemplates({ run: async (task) => runTask(task), close: async () => {} });

const user = (content: string): ChatMessage => ({ role: 'user', content });
const system = (content: string): ChatMessage => ({ role: 'system', content });
const assistant = (content: string, rest: Partial<ChatMessage> = {}): ChatMessage => ({
  role: 'assistant',
  content,
  ...rest,
});

function request(messages: ChatMessage[], rest: Partial<ChatRequest> = {}): ChatRequest {
  return { messages, sampling: {}, stop: [], onOverflow: 'error', ...rest };
}

function header(chatTemplate: string) {
  return { chatTemplate, metadata: {}, specialTokens: {} };
}

async function render(template: string, messages: ChatMessage[], rest: Partial<ChatRequest> = {}) {
  return templates.render(header(template), request(messages, rest));
}

async function text(template: string, messages: ChatMessage[], rest: Partial<ChatRequest> = {}): Promise<string> {
  return (await render(template, messages, rest)).text;
}

const LEGACY = '[INST] {{ if .System }}{{ .System }} {{ end }}{{ .Prompt }} [/INST]';
const TURNS = [user('A'), assistant('B'), user('C')];

test('a template without a place for the answer gets it at its end', async () => {
  expect(await text(LEGACY, TURNS)).toBe('[INST] A [/INST]B[INST] C [/INST]');
  expect(await text(LEGACY, [system('S'), ...TURNS])).toBe('[INST] S A [/INST]B[INST] C [/INST]');
});

test('a template of messages renders them all', async () => {
  const chatml =
    '{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n';
  expect(await text(chatml, TURNS)).toBe(
    '<|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\nB<|im_end|>\n<|im_start|>user\nC<|im_end|>\n<|im_start|>assistant\n',
  );
});

test('an answer that is begun is left open', async () => {
  const begun = [user('Count.'), assistant('One, two,')];
  expect(await text(LEGACY, begun)).toBe('[INST] Count. [/INST]One, two,');
  expect(await text(family('qwen-2.5'), begun)).toMatch(/<\|im_start\|>assistant\nOne, two,$/);
  expect(await text(family('chatml'), begun)).toMatch(/<\|im_start\|>assistant\nOne, two,$/);
});

test('special tokens in what somebody wrote stay text', async () => {
  const { segments, text: prompt } = await render(family('qwen-2.5'), [user('a<|im_end|>b')]);
  expect(prompt).toContain('a<|im_end|>b');
  const plain = segments.flatMap((segment) => (segment.kind === 'text' && !segment.parseSpecial ? segment.text : []));
  expect(plain).toEqual(['<|im_end|>']);
  const gap = await render(family('codellama'), [user('a <SUF> b')], { suffix: 'c <MID>' });
  expect(gap.text).toBe('<PRE>a <SUF> b <SUF>c <MID> <MID>');
  expect(
    gap.segments.flatMap((segment) => (segment.kind === 'text' && !segment.parseSpecial ? segment.text : [])),
  ).toEqual(expect.arrayContaining(['<SUF>', '<MID>']));
});

test('calls, results and tools keep their numbers', async () => {
  const call = { id: 'c1', name: 'add', arguments: '{"b": 12345678901234567890, "a": 1.0, "c": [null]}' };
  const prompt = await text(
    family('qwen-2.5'),
    [user('Add.'), assistant('', { toolCalls: [call] }), { role: 'tool', content: '3', toolCallId: 'c1' }],
    {
      tools: [
        {
          name: 'add',
          description: 'Adds',
          parameters: { type: 'object', properties: { a: { type: 'number', minimum: 1 } } },
        },
      ],
    },
  );
  expect(prompt).toContain('{"name": "add", "arguments": {"a":1.0,"b":12345678901234567890,"c":[null]}}');
  // Ollama would lose the keyword.
  expect(prompt).toContain('"properties":{"a":{"type":"number","minimum":1}}');
});

test('a call that was cut off is written as it was said', async () => {
  const call = { id: 'c1', name: 'add', arguments: '{"a": 1' };
  const messages = [user('Add.'), assistant('', { toolCalls: [call] }), user('Go on')];
  expect(await text(family('qwen-2.5'), messages, { tools: [{ name: 'add' }] })).toContain('"arguments": {"a": 1}');
});

test('calls go as text where a template has no place for them', async () => {
  const call = { id: 'c1', name: 'add', arguments: '{"a": 1}' };
  const messages = [
    user('Add.'),
    assistant('', { toolCalls: [call] }),
    { role: 'tool' as const, content: '3', toolCallId: 'c1', toolName: 'add' },
    user('Thanks'),
  ];
  const { text: prompt, adapted } = await render(LEGACY, messages);
  expect(adapted).toContain('calls-as-text');
  expect(prompt).toContain('[Called add with {"a": 1}]');
});

test('thinking is switched as the request says, and on where it says nothing', async () => {
  const ask = (think?: ChatRequest['think']): Promise<string> => text(family('qwen-3'), [user('Why?')], { think });
  expect(await ask(true)).toContain('Why? /think<|im_end|>');
  expect(await ask()).toContain('Why? /think<|im_end|>');
  expect(await ask(false)).toContain('Why? /no_think<|im_end|>');
  expect(await text(family('gpt-oss'), [user('Why?')], { think: 'high' })).toContain('Reasoning: high');
});

test('what a template can do is told by its names and by rendering', async () => {
  const of = async (template: string): Promise<unknown> => {
    const verdict = await templates.abilities(header(template));
    return verdict !== undefined && 'abilities' in verdict ? verdict.abilities : verdict;
  };
  expect(await of(family('qwen-3'))).toMatchObject({
    system: true,
    tools: true,
    thinking: true,
    thinkingSwitch: true,
    insert: false,
  });
  expect(await of(family('llama-3.1'))).toMatchObject({ system: true, tools: true, thinking: false });
  expect(await of(family('codellama'))).toMatchObject({ system: true, tools: false, insert: true });
  expect(await of(family('gemma'))).toMatchObject({ system: true, tools: false, thinking: false, insert: false });
  // Tools that are written for other models only.
  expect(
    await of('{{ if and .Tools (eq .System "x") }}{{ .Tools }}{{ end }}{{ range .Messages }}{{ .Content }}{{ end }}'),
  ).toMatchObject({ tools: true });
});

test('a suffix is refused by a template without a place for it', async () => {
  await expect(text(LEGACY, [user('a')], { suffix: 'b' })).rejects.toMatchObject({ code: 'unsupported' });
});

test.each([
  ['does not end', '{{ if .Prompt }}a'],
  ['has a field that messages lack', '{{ range .Messages }}{{ .Nope }}{{ end }}'],
  ['calls a function that there is not', '{{ .Prompt | upper }}'],
  ['never comes to an end', '{{ range 9223372036854775807 }}{{ end }}{{ .Prompt }}'],
  ['calls itself', '{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}{{ .Prompt }}'],
])('one that %s is refused', async (_, template) => {
  await expect(text(template, [user('Hi')])).rejects.toMatchObject({ code: 'template_failed' });
});

test('the template of a request takes the place of the model’s', async () => {
  expect(await text('{{ .Prompt }}', [user('a')], { template: '<{{ .Prompt }}>' })).toBe('<a>');
});

interface Wire {
  role: string;
  content: string;
  thinking?: string;
  tool_calls?: { id?: string; function: { name: string; arguments: object } }[];
  tool_name?: string;
  tool_call_id?: string;
}

interface Conversation {
  name: string;
  messages: Wire[];
  tools?: { function: NonNullable<ChatRequest['tools']>[number] }[];
  prompt?: string;
  think?: boolean;
  think_level?: string;
}

describe('templates in the shapes of Ollama’s library write what Go writes', () => {
  const { conversations } = JSON.parse(read('conversations.json')) as { conversations: Conversation[] };
  test.each(readdirSync(new URL('chats/', folder)))('%s', async (name) => {
    const { cases } = JSON.parse(read(`chats/${name}/cases.json`)) as {
      cases: { conversation: string; expected: string }[];
    };
    const template = family(name);
    const verdict = await templates.abilities(header(template));
    const takesTools = verdict !== undefined && 'abilities' in verdict && verdict.abilities.tools;
    let equal = 0;
    for (const [at, conversation] of conversations.entries()) {
      const { messages, tools, prompt, think } = conversation;
      // Those are other ways to ask, and a model that thinks does so where nothing is said.
      const asks = messages.length > 0 && prompt === undefined && conversation.think_level === undefined;
      if (!asks || messages.at(-1)?.role === 'assistant' || (tools !== undefined && !takesTools)) continue;
      if (think === undefined && (name === 'qwen-3' || name === 'gpt-oss')) continue;
      // The day is today's.
      if (template.includes('currentDate')) continue;
      const { text: written, adapted } = await render(template, messages.map(chatMessage), {
        ...(tools === undefined ? {} : { tools: tools.map((tool) => tool.function) }),
        ...(think === undefined ? {} : { think }),
      });
      if (adapted.length > 0) continue;
      expect([conversation.name, written]).toEqual([conversation.name, cases[at]?.expected]);
      equal += 1;
    }
    expect(equal).toBeGreaterThan(template.includes('currentDate') ? -1 : 1);
  });
});

function chatMessage({ role, content, thinking, tool_calls: calls, ...rest }: Wire): ChatMessage {
  return {
    role: role as ChatMessage['role'],
    content,
    ...(thinking === undefined ? {} : { reasoning: thinking }),
    ...(calls === undefined
      ? {}
      : {
          toolCalls: calls.map(({ id = '', function: { name, arguments: given } }) => ({
            id,
            name,
            arguments: JSON.stringify(given),
          })),
        }),
    ...(rest.tool_name === undefined ? {} : { toolName: rest.tool_name }),
    ...(rest.tool_call_id === undefined ? {} : { toolCallId: rest.tool_call_id }),
  };
}
