import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

/** Templates that refuse much: system text that is late, roles that do not alternate, several calls, arguments that are no object. */
const STRICT = `{%- set ns = namespace(user=true) -%}
{%- if tools %}{{ tools | tojson }}{% endif -%}
{%- for m in messages -%}
{%- if m.role == 'system' and not loop.first %}{{ raise_exception('System message must come first.') }}{% endif -%}
{%- if m.role == 'user' or m.role == 'assistant' and not m.tool_calls -%}
{%- if (m.role == 'user') != ns.user %}{{ raise_exception('Roles must alternate.') }}{% endif -%}
{%- set ns.user = not ns.user -%}
{%- endif -%}
{%- if m.tool_calls and m.tool_calls | length != 1 %}{{ raise_exception('One call at a time.') }}{% endif -%}
<|im_start|>{{ m.role }}
{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }}{% for k, v in c.function.arguments.items() %}<{{ k }}>{{ v }}{% endfor %}</tool_call>{% endfor %}<|im_end|>
{% endfor %}<|im_start|>assistant
`;

const TURNS = 200;
const TOOL = {
  name: 'edit',
  description: 'Edits.',
  parameters: { type: 'object', properties: { path: { type: 'string' } } },
};

interface Turn {
  user: string;
  /** Text of the arguments of each call. */
  calls: string[];
  results: string[];
  failed: boolean;
  said: string;
  late?: string;
}

/** What goes wrong in long conversations, each of it every few turns. */
const turns: Turn[] = Array.from({ length: TURNS }, (_, at) => {
  const whole = [`{"path":"a${at}.ts"}`, ...(at % 3 === 0 ? [`{"path":"b${at}.ts","n":9007199254740993}`] : [])];
  const calls = at % 7 === 0 ? [`{"path": "cut${at}`] : at % 11 === 0 ? [] : at % 13 === 0 ? [''] : whole;
  return {
    user: at % 17 === 0 ? '' : `Task ${at}`,
    calls,
    // An interrupted turn has fewer results than calls.
    results: calls
      .slice(0, at % 19 === 0 ? 0 : undefined)
      .map((_text, call) => (at % 5 === 0 ? '' : `result ${at}.${call}`)),
    failed: at % 4 === 0,
    said: at % 6 === 0 ? '' : `Done ${at}`,
    ...(at % 9 === 0 ? { late: `Reminder ${at}` } : {}),
  };
});

const id = (at: number, call: number): string => `call_${at}_${call}`;

function openAi(some: Turn[]): object {
  const messages = some.flatMap((turn, at) => [
    { role: 'user', content: turn.user },
    ...(turn.late === undefined ? [] : [{ role: at % 2 === 0 ? 'system' : 'developer', content: turn.late }]),
    ...(turn.calls.length === 0
      ? []
      : [
          {
            role: 'assistant',
            content: at % 2 === 0 ? null : 'I look.',
            tool_calls: turn.calls.map((text, call) => ({
              id: id(at, call),
              type: 'function',
              function: { name: 'edit', arguments: text },
            })),
          },
        ]),
    // The last call is answered first.
    ...turn.results
      .map((text, call) => ({ role: 'tool', tool_call_id: id(at, call), content: text === '' ? null : text }))
      .reverse(),
    ...(at === some.length - 1 ? [] : [{ role: 'assistant', content: turn.said === '' ? null : turn.said }]),
  ]);
  return { model: 'tiny', max_tokens: 2, messages, tools: [{ type: 'function', function: TOOL }] };
}

function responses(some: Turn[]): object {
  const input = some.flatMap((turn, at) => [
    { role: 'user', content: turn.user },
    ...(turn.late === undefined ? [] : [{ role: 'developer', content: [{ type: 'input_text', text: turn.late }] }]),
    ...turn.calls.map((text, call) => ({
      type: 'function_call',
      call_id: id(at, call),
      name: 'edit',
      arguments: text,
    })),
    ...turn.results.map((text, call) => ({ type: 'function_call_output', call_id: id(at, call), output: text })),
    ...(at % 10 === 0
      ? [
          { type: 'custom_tool_call', call_id: `p${at}`, name: 'apply_patch', input: '*** Begin Patch' },
          { type: 'custom_tool_call_output', call_id: `p${at}`, output: 'ok' },
          { type: 'web_search_call', id: `w${at}`, status: 'completed', action: { type: 'search', query: `q${at}` } },
        ]
      : []),
    ...(at === some.length - 1 ? [] : [{ role: 'assistant', content: turn.said }]),
  ]);
  return {
    model: 'tiny',
    max_output_tokens: 2,
    store: false,
    input,
    tools: [{ type: 'function', ...TOOL }, { type: 'custom', name: 'apply_patch' }, { type: 'local_shell' }],
  };
}

function anthropic(some: Turn[]): object {
  const messages = some.flatMap((turn, at) => [
    { role: 'user', content: turn.user },
    ...(turn.late === undefined ? [] : [{ role: 'system', content: turn.late }]),
    ...(turn.calls.length === 0
      ? []
      : [
          {
            role: 'assistant',
            content: turn.calls.map((text, call) => ({
              type: 'tool_use',
              id: id(at, call),
              name: 'edit',
              input: text.endsWith('}') ? (JSON.parse(text) as unknown) : text,
            })),
          },
          {
            role: 'user',
            content: turn.results.map((text, call) => ({
              type: 'tool_result',
              tool_use_id: id(at, call),
              is_error: turn.failed,
              content: at % 8 === 0 ? [{ type: 'tool_reference', tool_name: 'edit' }] : text,
            })),
          },
        ]),
    ...(at === some.length - 1 ? [] : [{ role: 'assistant', content: turn.said }]),
  ]);
  const { parameters: input_schema, ...tool } = TOOL;
  const bash = { type: 'bash_20250124', name: 'bash' };
  return { model: 'tiny', max_tokens: 2, messages, tools: [{ ...tool, input_schema }, bash] };
}

function ollama(some: Turn[]): object {
  const messages = some.flatMap((turn, at) => [
    { role: 'user', content: turn.user },
    ...(turn.late === undefined ? [] : [{ role: 'system', content: turn.late }]),
    ...(turn.calls.length === 0
      ? []
      : [
          {
            role: 'assistant',
            content: '',
            thinking: at % 2 === 0 ? 'Hm.' : undefined,
            tool_calls: turn.calls.map((text) => ({
              function: { name: 'edit', arguments: text.endsWith('}') ? (JSON.parse(text) as unknown) : text },
            })),
          },
        ]),
    ...turn.results.map((text, call) => ({
      role: 'tool',
      tool_name: 'edit',
      content: turn.failed ? `Error: ${text}` : text,
      ...(call === 0 && at % 10 === 0 ? { images: ['AAAA'] } : {}),
    })),
    ...(at === some.length - 1 ? [] : [{ role: 'assistant', content: turn.said }]),
  ]);
  return {
    model: 'tiny',
    stream: false,
    options: { num_predict: 2 },
    messages,
    tools: [{ type: 'function', function: TOOL }],
  };
}

describe('a conversation of two hundred turns in which much goes wrong is always answered', () => {
  let daemon: TestDaemon;

  beforeAll(async () => {
    daemon = await testDaemon({
      script: { header: { chatTemplate: STRICT, trainedContextLength: 1_000_000 }, contextLength: 1_000_000 },
      env: { OMG_CONTEXT_LENGTH: '1000000' },
    });
    await daemon.install('tiny');
  });
  afterAll(() => daemon.stop());

  test.each([
    ['/v1/chat/completions', openAi],
    ['/v1/responses', responses],
    ['/v1/messages', anthropic],
    ['/api/chat', ollama],
  ] as const)('%s', async (path, body) => {
    for (const count of [1, 2, 3, 8, 14, 20, 39, 77, 100, 153, TURNS]) {
      const reply = await fetch(`${daemon.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body(turns.slice(0, count))),
      });
      expect([count, reply.status, reply.status === 200 ? '' : await reply.text()]).toEqual([count, 200, '']);
      expect(reply.headers.get('x-omg-adapted')).toMatch(/\w/);
    }
  });
});
