import { expect, test } from 'vitest';
import type { ChatMessage, ToolDefinition } from '../inference/index.ts';
import { ChatTemplates } from './chat-templates.ts';
import { runTask } from './template-task.ts';

// What people reported of other servers, each with a template of the kind and what Jinja2 writes with the settings of transformers.

const templates = new ChatTemplates({ run: async (task) => runTask(task), close: async () => {} });

interface Asked {
  template: string;
  messages: ChatMessage[];
  tools?: ToolDefinition[];
}

async function rendered({ template, messages, tools = [] }: Asked): Promise<{ text: string; adapted: string[] }> {
  const header = { chatTemplate: template, metadata: {}, specialTokens: {} };
  return templates.render(header, { messages, tools, sampling: {}, stop: [], onOverflow: 'error' });
}

const LOOP =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n';
const go: ChatMessage = { role: 'user', content: 'Go' };
const GO = '<|im_start|>user\nGo<|im_end|>\n<|im_start|>assistant';

function tool(properties: object): ToolDefinition {
  return { name: 'look_up', description: 'Looks something up.', parameters: { type: 'object', properties } };
}

function call(id: string, json: string) {
  return { id, name: 'look_up', arguments: json };
}

const EACH = 'in tools[0].function.parameters.properties | dictsort %}';

test.each<[string, Asked, string]>([
  [
    'a parameter without a type, and one with several, in upper case',
    {
      template: `{% if tools %}{{ tools[0].function.name }}:{% for n, p ${EACH}{{ n }}={{ p.type | upper }};{% endfor %}\n{% endif %}${LOOP}`,
      messages: [go],
      tools: [
        tool({
          a: { type: 'string' },
          b: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
          c: { type: ['number', 'null'] },
        }),
      ],
    },
    `look_up:a=STRING;b=;c=['NUMBER', 'NULL'];${GO}`,
  ],
  [
    'null and true of earlier calls as text',
    {
      template:
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}{% for c in m.tool_calls or [] %}{% for k, v in c.function.arguments | items %}<parameter={{ k }}>{{ (v | tojson) if (v is mapping or (v is sequence and v is not string)) else (v | string) }}</parameter>{% endfor %}{% endfor %}<|im_end|>\n{% endfor %}<|im_start|>assistant\n{% if tools %}{{ tools[0].function.name }}{% endif %}",
      messages: [
        go,
        {
          role: 'assistant',
          content: '',
          toolCalls: [call('call_000001', '{"city":"Bern","zip":null,"exact":true,"days":3}')],
        },
        { role: 'tool', toolCallId: 'call_000001', content: 'rain' },
      ],
      tools: [tool({ city: { type: 'string' } })],
    },
    '<|im_start|>user\nGo<|im_end|>\n<|im_start|>assistant\n<parameter=city>Bern</parameter><parameter=zip>None</parameter><parameter=exact>True</parameter><parameter=days>3</parameter><|im_end|>\n<|im_start|>tool\nrain<|im_end|>\n<|im_start|>assistant\nlook_up',
  ],
  [
    'defaults and types in the spelling of Python',
    {
      template: `{% if tools %}{{ tools[0].function.name }}:{% for n, p ${EACH}{{ n }}={{ p.default | string }}/{{ p.type | string }};{% endfor %}\n{% endif %}${LOOP}`,
      messages: [go],
      tools: [tool({ a: { type: 'boolean', default: false }, b: { type: ['number', 'null'], default: 0.5 } })],
    },
    `look_up:a=False/boolean;b=0.5/['number', 'null'];${GO}`,
  ],
  [
    'line breaks taken away, and indentation left',
    {
      template:
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1].lstrip('\\n') }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n",
      messages: [
        { role: 'user', content: 'Write the line' },
        { role: 'assistant', content: '    return 1' },
        { role: 'user', content: 'Another' },
      ],
    },
    '<|im_start|>user\nWrite the line<|im_end|>\n<|im_start|>assistant\n    return 1<|im_end|>\n<|im_start|>user\nAnother<|im_end|>\n<|im_start|>assistant',
  ],
  [
    'numbers as keys',
    { template: `{%- set budget = {0: 'none', 512: 'short'} %}{{ budget[512] }}\n${LOOP}`, messages: [go] },
    `short\n${GO}`,
  ],
  [
    'what is missing, trimmed, measured and in lower case',
    {
      template: `{% if tools %}{{ tools[0].function.name }}:{% for n, p ${EACH}{{ n }}=[{{ p.description | trim }}{{ p.nothing | length }}{{ p.nothing | lower }}];{% endfor %}\n{% endif %}${LOOP}`,
      messages: [go],
      tools: [tool({ a: { type: 'string' } })],
    },
    `look_up:a=[0];${GO}`,
  ],
  [
    'no tools as none',
    {
      template: `{% if tools is not none and tools | length > 0 %}TOOLS{% else %}plain{% endif %}\n${LOOP}`,
      messages: [go],
    },
    `plain${GO}`,
  ],
  [
    'the point of a float, and all digits of an integer',
    {
      template: `{% if tools %}{{ tools[0] | tojson }}\n{% endif %}${LOOP}`,
      messages: [go],
      tools: [
        tool({ a: { type: 'number', default: JSON.rawJSON('1.0'), maximum: JSON.rawJSON('9223372036854775807') } }),
      ],
    },
    `{"type": "function", "function": {"name": "look_up", "description": "Looks something up.", "parameters": {"type": "object", "properties": {"a": {"type": "number", "default": 1.0, "maximum": 9223372036854775807}}}}}\n${GO}`,
  ],
])('%s', async (_, asked, want) => {
  expect(await rendered(asked)).toMatchObject({ text: want, adapted: [] });
});

test('a template that takes system text at its beginning only gets that of the middle all the same', async () => {
  const template = LOOP.replace(
    '<|im_start|>',
    "{% if m.role == 'system' and not loop.first %}{{ raise_exception('System message must come first.') }}{% endif %}<|im_start|>",
  );
  const { text, adapted } = await rendered({
    template,
    messages: [
      { role: 'system', content: 'You are helpful.' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
      { role: 'system', content: 'Skills: none.' },
      { role: 'user', content: 'Go on' },
    ],
  });
  expect(text).toMatch(/You are helpful\.[\s\S]*Hi[\s\S]*Hello[\s\S]*Skills: none\.[\s\S]*Go on/);
  expect(adapted).not.toEqual([]);
});

test('a template of one call for each message gets two with each result behind its call', async () => {
  const { text, adapted } = await rendered({
    template:
      "{% if tools %}{{ tools[0].function.name }}\n{% endif %}{% for m in messages %}{% if m.tool_calls %}{% if m.tool_calls | length != 1 %}{{ raise_exception('Only one call at a time.') }}{% endif %}<|im_start|>assistant\n{{ m.tool_calls[0].function.arguments | tojson }}<|im_end|>\n{% else %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}<|im_start|>assistant\n",
    messages: [
      { role: 'user', content: 'Paris and Bern?' },
      {
        role: 'assistant',
        content: '',
        toolCalls: [call('call_1', '{"city":"Paris"}'), call('call_2', '{"city":"Bern"}')],
      },
      { role: 'tool', toolCallId: 'call_1', content: 'sun' },
      { role: 'tool', toolCallId: 'call_2', content: 'rain' },
    ],
    tools: [tool({ city: { type: 'string' } })],
  });
  expect(text).toMatch(/Paris"[\s\S]*sun[\s\S]*Bern"[\s\S]*rain/);
  expect(adapted).not.toEqual([]);
});
