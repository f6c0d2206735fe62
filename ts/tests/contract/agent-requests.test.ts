import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

/** As Qwen3.5: system text first, and none later. */
const TEMPLATE = `{%- if tools %}<|im_start|>tools
{{ tools | tojson }}<|im_end|>
{% endif -%}
{%- for m in messages -%}
{%- if m.role == 'system' and not loop.first %}{{ raise_exception('System message must be at the beginning.') }}{% endif -%}
<|im_start|>{{ m.role }}
{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`;

describe('what other agents are known to send', () => {
  let daemon: TestDaemon;
  beforeAll(async () => {
    daemon = await testDaemon({ script: { header: { chatTemplate: TEMPLATE } } });
    await daemon.install('demo');
  });
  afterAll(() => daemon.stop());

  const user = { role: 'user', content: 'Hi' };
  const picture = 'data:image/png;base64,AAAA';
  const use = { type: 'tool_use', id: 't', name: 'f', input: {} };
  const withResult = (content: unknown) => [
    user,
    { role: 'assistant', content: [use] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content }] },
  ];
  const call = { id: 't', type: 'function', function: { name: 'f', arguments: '{}' } };

  test.each([
    ['/v1/chat/completions', 'no limit', { messages: [user], max_tokens: -1 }, null],
    ['/v1/responses', 'no limit', { input: 'Hi', max_output_tokens: -1 }, null],
    ['/v1/messages', 'no limit', { messages: [user], max_tokens: -1 }, null],
    [
      '/v1/chat/completions',
      'a picture in a result',
      {
        messages: [
          user,
          { role: 'assistant', content: null, tool_calls: [call] },
          { role: 'tool', tool_call_id: 't', content: [{ type: 'image_url', image_url: { url: picture } }] },
        ],
      },
      /images-left-out/,
    ],
    [
      '/v1/responses',
      'a picture in a result',
      {
        input: [
          { type: 'function_call', call_id: 't', name: 'f', arguments: '{}' },
          { type: 'function_call_output', call_id: 't', output: [{ type: 'input_image', image_url: picture }] },
        ],
      },
      /images-left-out/,
    ],
    [
      '/v1/messages',
      'a picture in a result',
      {
        messages: withResult([{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }]),
        max_tokens: 2,
      },
      /images-left-out/,
    ],
    [
      '/v1/messages',
      'references to tools and results of a search',
      {
        messages: withResult([
          { type: 'tool_reference', tool_name: 'g' },
          { type: 'search_result', source: 's', title: 't', content: [{ type: 'text', text: 'found' }] },
        ]),
        max_tokens: 2,
      },
      /items-as-text/,
    ],
    [
      '/v1/messages',
      'tools of the server in the history',
      {
        messages: [
          user,
          {
            role: 'assistant',
            content: [
              { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'q' } },
              { type: 'web_search_tool_result', tool_use_id: 's', content: [{ type: 'web_search_result', url: 'u' }] },
            ],
          },
          user,
        ],
        max_tokens: 2,
      },
      /items-as-text/,
    ],
    [
      '/v1/responses',
      'items of tools that are not offered',
      {
        input: [
          { role: 'user', content: 'Hi' },
          { type: 'local_shell_call', call_id: 'l', action: { type: 'exec', command: ['ls'] }, status: 'completed' },
          { type: 'local_shell_call_output', call_id: 'l', output: 'a.ts' },
          { type: 'mcp_call', name: 'm', arguments: '{}', output: 'x' },
          { type: 'mcp_list_tools', server_label: 's', tools: [] },
        ],
      },
      /items-as-text/,
    ],
  ])('%s: %s', async (path, _, body, adapted) => {
    const reply = await fetch(`${daemon.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demo', ...body }),
    });
    expect([reply.status, reply.status === 200 ? '' : await reply.text()]).toEqual([200, '']);
    if (adapted !== null) expect(reply.headers.get('x-omg-adapted')).toMatch(adapted);
  });

  const search = { type: 'web_search_20250305', name: 'web_search', max_uses: 8 };
  const patch = { type: 'custom', custom: { name: 'apply_patch' } };
  test.each([
    ['/v1/messages', { tools: [search] }],
    ['/v1/messages', { tools: [search], tool_choice: { type: 'tool', name: 'web_search' } }],
    ['/v1/messages', { tools: [search, { type: 'bash_20250124', name: 'bash' }], tool_choice: { type: 'any' } }],
    ['/v1/messages', { tools: [{ name: 'f' }, search], tool_choice: { type: 'tool', name: 'web_search' } }],
    ['/v1/chat/completions', { tools: [patch] }],
    ['/v1/chat/completions', { tools: [{ type: 'web_search' }], tool_choice: 'required' }],
    ['/v1/chat/completions', { tools: [patch], tool_choice: { type: 'custom', custom: { name: 'apply_patch' } } }],
  ])('%s: no tools but such as are not run here: %j', async (path, asked) => {
    const reply = await fetch(`${daemon.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demo', max_tokens: 9, messages: [user], ...asked }),
    });
    expect([reply.status, reply.headers.get('x-omg-adapted')]).toEqual([200, 'tools-left-out']);
    const { request } = daemon.engine.generations.at(-1) ?? {};
    expect(request?.grammar).toBeUndefined();
  });

  test('what a model called on another service, or called with no object, is in the prompt', async () => {
    const asked: [string, unknown[], string[]][] = [
      [
        '/v1/chat/completions',
        [{ id: 'c', type: 'custom', custom: { name: 'apply_patch', input: '*** Begin "Patch"' } }].map((custom) => ({
          role: 'assistant',
          content: null,
          tool_calls: [custom],
        })),
        ['apply_patch', '*** Begin \\"Patch\\"'],
      ],
      [
        '/v1/messages',
        [[1, 'two'], 3.5, true, 'cut {"a'].map((input, at) => ({
          role: 'assistant',
          content: [{ type: 'tool_use', id: `t${at}`, name: 'f', input }],
        })),
        ['two', '3.5', 'true', 'cut {'],
      ],
    ];
    for (const [path, calls, said] of asked) {
      const reply = await fetch(`${daemon.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'demo', max_tokens: 9, messages: [user, ...calls, user] }),
      });
      expect([path, reply.status]).toEqual([path, 200]);
      const prompt = JSON.stringify(daemon.engine.generations.at(-1)?.request.prompt);
      for (const text of said) expect(prompt).toContain(JSON.stringify(text).slice(1, -1));
    }
  });

  test('a schema beside json_object is followed everywhere', async () => {
    const schema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] };
    const format = { type: 'json_object', schema };
    const asked: [string, object][] = [
      ['/v1/chat/completions', { messages: [user], response_format: format }],
      ['/v1/completions', { prompt: 'x', response_format: format }],
      ['/v1/responses', { input: 'x', text: { format } }],
      ['/v1/responses', { input: 'x', response_format: format }],
    ];
    for (const [path, body] of asked) {
      const reply = await fetch(`${daemon.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'demo', ...body }),
      });
      // The stand-in writes a minimal document of the schema.
      expect([path, reply.status, /\\"a\\":\s*\d/.test(await reply.text())]).toEqual([path, 200, true]);
    }
  });
});
