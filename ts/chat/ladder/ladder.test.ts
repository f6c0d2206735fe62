import { describe, expect, test } from 'vitest';
import type { ChatMessage, ChatRequest, ToolDefinition } from '../../inference/index.ts';
import { ChatTemplates } from '../chat-templates.ts';
import { runTask, type TemplateTask } from '../template-task.ts';

const user = (content: string): ChatMessage => ({ role: 'user', content });
const system = (content: string): ChatMessage => ({ role: 'system', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });
const calls = (...asked: [string, string][]): ChatMessage => ({
  role: 'assistant',
  content: '',
  contentAbsent: true,
  toolCalls: asked.map(([id, text]) => ({ id, name: 'look_up', arguments: text })),
});
const result = (toolCallId: string, content: string): ChatMessage => ({
  role: 'tool',
  content,
  toolCallId,
  toolName: 'look_up',
});
const LOOK_UP: ToolDefinition = { name: 'look_up', description: 'Looks up.', parameters: { type: 'object' } };

interface Rendered {
  text: string;
  adapted: string[];
  /** Prompts that were written on the way. */
  renders: number;
}

async function render(
  template: string,
  messages: ChatMessage[],
  rest: Partial<ChatRequest> = {},
  templates = new ChatTemplates(here()),
): Promise<Rendered> {
  const before = prompts;
  const request: ChatRequest = { messages, sampling: {}, stop: [], onOverflow: 'error', ...rest };
  const header = { chatTemplate: template, metadata: {}, specialTokens: {} };
  const { text, adapted } = await templates.render(header, request);
  return { text, adapted, renders: prompts - before };
}

let prompts = 0;

function here() {
  return {
    run: async (task: TemplateTask) => {
      if (task.kind === 'prompt') prompts += 1;
      return runTask(task);
    },
    close: async () => {},
  };
}

const write = '[{{ m.role }}:{{ m.content }}]';
const each = (body: string): string =>
  `{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}${body}{% endfor %}`;
const refuse = (condition: string, reason: string): string =>
  `{% if ${condition} %}{{ raise_exception('${reason}') }}{% endif %}`;
const callTexts = '{% for c in m.tool_calls or [] %}({{ c.function.arguments | tojson }}){% endfor %}';

const FIRST_SYSTEM = each(refuse("m.role == 'system' and not loop.first", 'system comes first') + write);
const ONE_CALL = each(
  `${refuse('m.tool_calls and m.tool_calls | length != 1', 'one call')}[{{ m.role }}:{{ m.content }}${callTexts}]`,
);
const ALTERNATE = `{% set ns = namespace(at=0) %}${each(
  `{% if m.role == 'user' or m.role == 'assistant' and not m.tool_calls %}${refuse(
    "(m.role == 'user') != (ns.at == 0)",
    'turns',
  )}{% set ns.at = 1 - ns.at %}{% elif m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}[{{ m.role }}:{{ m.content }}${callTexts}]`,
)}`;
const CHAT_ONLY = each(refuse("m.role not in ['system', 'user', 'assistant']", 'unknown role') + write);

describe('what a template refuses', () => {
  test('system text in the middle goes to the user beside it, and stays there as the conversation grows', async () => {
    const begun = [system('Be kind.'), user('Hi'), system('Skills: none.')];
    const first = await render(FIRST_SYSTEM, begun);
    expect(first).toMatchObject({
      text: '[system:Be kind.][user:Hi\n\nSkills: none.]',
      adapted: ['system-folded'],
    });
    const later = await render(FIRST_SYSTEM, [...begun, assistant('Yes?'), system('Be brief.'), user('Go on')]);
    expect(later.text).toBe(`${first.text}[assistant:Yes?][user:Be brief.\n\nGo on]`);
  });

  test('several calls become several messages, each with its result behind it', async () => {
    const messages = [
      user('Both?'),
      calls(['a', '{"of": 1}'], ['b', '{"of": 2}']),
      result('b', 'rain'),
      result('a', 'sun'),
    ];
    const { text, adapted } = await render(ONE_CALL, messages, { tools: [LOOK_UP] });
    expect(text).toContain('({"of": 1})][tool:sun][assistant:({"of": 2})][tool:rain]');
    expect(adapted).toContain('calls-split');
  });

  test('turns that do not alternate are joined, or filled', async () => {
    expect(await render(ALTERNATE, [user('a'), user('b')])).toMatchObject({
      text: '[user:a\n\nb]',
      adapted: ['roles-merged'],
    });
    expect(await render(ALTERNATE, [assistant('Hello.'), user('b')])).toMatchObject({ adapted: ['turns-filled'] });
    const interrupted = [user('a'), calls(['1', '{}']), result('1', 'cut'), user('b')];
    expect((await render(ALTERNATE, interrupted)).text).toMatch(/\[tool:cut\]\[assistant:…\]\[user:b\]$/);
  });

  test('calls and results are told where there is no place for them', async () => {
    const messages = [user('Weather?'), calls(['1', '{"of": "Bern"}']), result('1', 'sun'), user('Thanks')];
    const { text, adapted } = await render(CHAT_ONLY, messages);
    expect(adapted).toContain('calls-as-text');
    expect(text).toContain('[assistant:[Called look_up with {"of": "Bern"}]][user:[Result of look_up]\nsun]');
  });

  test('content is filled, made null, or dropped as the template needs it', async () => {
    const called = [user('x'), calls(['1', '{"v": 1}']), result('1', 'y')];
    const wantsText = each(`{{ '[' + m.role + m.content + ']' }}${callTexts}`);
    expect((await render(wantsText, called)).text).toBe('[userx][assistant]({"v": 1})[tooly]');
    const wantsNull = each(`{% if m.content is none %}${callTexts}{% else %}{{ '[' + m.content + ']' }}{% endif %}`);
    expect((await render(wantsNull, called)).text).toBe('[x]({"v": 1})[y]');
    const noEmpty = each(refuse("m.content == ''", 'empty') + write);
    expect((await render(noEmpty, [user(''), assistant(''), user('x')])).text).toBe('[user:x]');
  });

  test('arguments go as text to a template that joins them, and malformed ones as an object to one that walks them', async () => {
    const joins = each(
      `{{ m.content or '' }}{% for c in m.tool_calls or [] %}{{ '(' + c.function.arguments + ')' }}{% endfor %}`,
    );
    expect((await render(joins, [user('x'), calls(['1', '{"v": 1.0}'])])).text).toBe('x({"v": 1.0})');
    const walks = each(
      `{{ m.content or '' }}{% for c in m.tool_calls or [] %}{% for k, v in c.function.arguments.items() %}({{ k }}={{ v }}){% endfor %}{% endfor %}`,
    );
    expect(await render(walks, [user('x'), calls(['1', '{"v": "Pa'])])).toMatchObject({
      text: 'x(arguments={"v": "Pa)',
      adapted: ['arguments-wrapped'],
    });
  });

  test('schemas get one type and a description each', async () => {
    const signature = `{% for t in tools %}{{ t.function.name + ': ' }}{% for n, p in t.function.parameters.properties.items() %}{{ n + '=' + p.type + p.description }};{% endfor %}{% endfor %}{{ messages[0].content }}`;
    const properties = {
      a: { type: ['null', 'string'] },
      b: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
      c: {},
    };
    const tools = [{ name: 'f', description: 'F', parameters: { type: 'object', properties } }];
    const { text, adapted } = await render(signature, [user('x')], { tools });
    expect(text).toBe('f: a=string;b=integer;c=string;x');
    expect(adapted).toEqual(['schemas-simplified']);
  });

  test('steps that only help together are found together, and no other is taken', async () => {
    const messages = [system('S'), user('a'), calls(['1', '{}'], ['2', '{}']), result('1', 'x'), result('2', 'y')];
    const both = FIRST_SYSTEM.replace(
      write,
      refuse('m.tool_calls and m.tool_calls | length > 1', 'one') + write + callTexts,
    );
    const { adapted } = await render(both, [...messages, system('Late.'), user('b')]);
    expect(adapted.toSorted()).toEqual(['calls-split', 'system-folded']);
  });

  test('what no step can express is refused with the message that is at fault', async () => {
    const refuses = each(refuse("'forbidden' in m.content", 'not that word') + write);
    const asked = render(refuses, [user('a'), assistant('b'), user('forbidden'), assistant('c'), user('d')]);
    await expect(asked).rejects.toMatchObject({
      code: 'template_failed',
      message: expect.stringMatching(/messages\[2\] \(user\).*not that word/),
      detail: { param: 'messages[2]' },
    });
  });
});

describe('what a template leaves out in silence', () => {
  test('late system text, results and further calls come back', async () => {
    const silent = each(`{% if m.role == 'user' or m.role == 'assistant' %}${write}{% endif %}`);
    const { text, adapted } = await render(silent, [user('Hi'), assistant('Yes?'), system('Be brief.'), user('Go')]);
    expect(text).toContain('Be brief.');
    expect(adapted).toEqual(['system-in-user']);
    const firstCall = each(
      `[{{ m.role }}:{{ m.content }}{% if m.tool_calls %}{{ m.tool_calls[0].function.arguments | tojson }}{% endif %}]`,
    );
    const two = [user('x'), calls(['1', '{"v": 1}'], ['2', '{"v": 2}']), result('1', 'p'), result('2', 'q')];
    expect((await render(firstCall, two)).text).toMatch(/"v": 1.*:p\].*"v": 2.*:q\]/);
  });

  test('a template that writes only the last message is used as it is, and the answer says so', async () => {
    const last = '{{ messages[-1].content }}';
    const { adapted } = await render(last, [user('a'), assistant('b'), user('c'), system('d'), user('e')]);
    expect(adapted.at(-1)).toBe('messages-left-out');
  });
});

test('what is taken as it is is not touched, at the price of one prompt', async () => {
  const plain = each(write);
  expect(await render(plain, [system('S'), user('a'), assistant('b'), user('c')])).toMatchObject({
    adapted: [],
    renders: 1,
  });
});

test('what helped once is tried first the next time', async () => {
  const templates = new ChatTemplates(here());
  const messages = [user('a'), calls(['1', '{}'], ['2', '{}']), result('1', 'x'), result('2', 'y')];
  const first = await render(ONE_CALL, messages, {}, templates);
  const again = await render(ONE_CALL, [...messages, user('more')], {}, templates);
  expect(again.adapted).toEqual(first.adapted);
  expect(again.renders).toBe(3);
});

test('numbers and keys of arguments reach the template as they were written', async () => {
  const written = '{"b": 12345678901234567890, "a": 1.0, "10": 1, "9": 2}';
  const tasks: TemplateTask[] = [];
  const templates = new ChatTemplates({
    run: async (task) => {
      tasks.push(task);
      return runTask(task);
    },
    close: async () => {},
  });
  await render(each(write), [user('x'), calls(['1', written])], {}, templates);
  const prompt = tasks.find((task) => task.kind === 'prompt');
  expect(prompt?.variables.messages).toContain(written);
});
