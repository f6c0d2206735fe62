import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDaemon, testDaemon } from './serve.ts';

/** Requests of real coding agents, with their texts and lists of tools cut short; `claude-code`, `codex` and `copilot` with the turn behind a call. */
const folder = new URL('./fixtures/agents/', import.meta.url);
const agents = readdirSync(folder).map((file) => file.replace('.json', ''));

interface Recorded {
  path: string;
  body: Record<string, unknown>;
}

function recorded(agent: string): Recorded[] {
  return JSON.parse(readFileSync(new URL(`${agent}.json`, folder), 'utf8')) as Recorded[];
}

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

describe('requests of coding agents', () => {
  let daemon: TestDaemon;
  const prompts: string[] = [];

  beforeAll(async () => {
    const reply = (_request: unknown, prompt: string): string[] => {
      prompts.push(prompt);
      return ['Done.'];
    };
    daemon = await testDaemon({
      script: { header: { chatTemplate: TEMPLATE, trainedContextLength: 100_000 }, contextLength: 100_000, reply },
    });
    await daemon.install('demo');
  });
  afterAll(() => daemon.stop());

  async function send({ path, body }: Recorded): Promise<{ reply: Response; prompt: string }> {
    const reply = await fetch(`${daemon.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await reply.text();
    expect([reply.status, reply.status === 200 ? '' : text]).toEqual([200, '']);
    return { reply, prompt: prompts.at(-1) ?? '' };
  }

  test.each(agents)('%s is answered, and its prompt only grows', async (agent) => {
    let before = '';
    for (const request of recorded(agent)) {
      const { prompt } = await send(request);
      const kept = before.replace(/<\|im_start\|>assistant\n$/, '');
      expect(prompt.startsWith(kept)).toBe(true);
      before = prompt;
    }
    expect(before).not.toBe('');
  });

  test('what Claude Code says in the middle is in the prompt, and the answer tells how', async () => {
    const [first] = recorded('claude-code');
    if (first === undefined) throw new Error('nothing is recorded');
    const { reply, prompt } = await send(first);
    expect(reply.headers.get('x-omg-adapted')).toBe('system-folded');
    expect(prompt).toMatch(/<\|im_start\|>user\n.*Say hi with the shell\.\n\n# Environment/s);
    const counted = await fetch(`${daemon.url}/v1/messages/count_tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...first.body, stream: undefined, max_tokens: undefined }),
    });
    expect([counted.status, ((await counted.json()) as { input_tokens: number }).input_tokens > 0]).toEqual([
      200,
      true,
    ]);
  });

  test('the line for billing is no part of the prompt, so that its changes cost no cache', async () => {
    const [first] = recorded('claude-code');
    if (first === undefined) throw new Error('nothing is recorded');
    const billed = (cch: string): Recorded => ({
      ...first,
      body: JSON.parse(
        JSON.stringify(first.body).replace(
          /x-anthropic-billing-header: [^"]*/,
          `x-anthropic-billing-header: cch=${cch};`,
        ),
      ) as Record<string, unknown>,
    });
    const one = await send(billed('a1b2c'));
    const other = await send(billed('f00d5'));
    expect(other.prompt).toBe(one.prompt);
    expect(one.prompt).not.toContain('billing');
  });

  test('what Codex offers beside functions is left out and named', async () => {
    const [first] = recorded('codex');
    if (first === undefined) throw new Error('nothing is recorded');
    expect((await send(first)).reply.headers.get('x-omg-adapted')).toMatch(/tools-left-out/);
    const kinds = [{ type: 'custom', name: 'apply_patch' }, { type: 'local_shell' }, { type: 'tool_search' }];
    const alone = await send({ ...first, body: { ...first.body, tools: kinds } });
    expect(alone.reply.headers.get('x-omg-adapted')).toMatch(/tools-left-out/);
  });
});
