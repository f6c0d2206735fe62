import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO_FILE, Installation } from './omg.ts';

// The built daemon, with models whose chat templates want to stop it.

const ENDLESS = '{% for a in range(999999) %}{% for b in range(999999) %}{% set c = a * b %}{% endfor %}{% endfor %}';
const HOSTILE = {
  endless: ENDLESS,
  splits:
    "{% set ns = namespace(t='x,') %}{% for i in range(40) %}{% set ns.t = ns.t ~ ns.t %}{% set ns.n = ns.t.split(',') | length %}{% endfor %}",
  ranges: '{% set a = range(300000000) %}{{ a | length }}',
  doubles: '{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = ns.l + ns.l %}{% endfor %}',
};
/** Well-behaved until somebody chats with it. */
const WAITS = `{% if messages[0].content == 'go' %}${ENDLESS}{% endif %}{{ messages[0].content }}`;

let omg: Installation;
let pid: number;

beforeAll(async () => {
  omg = await Installation.create();
  expect((await omg.omg('serve', '-d')).exitCode).toBe(0);
  ({ pid } = (await omg.json('serve', 'status')) as { pid: number });
});
afterAll(() => omg.dispose());

/** The bundled model with another template, padded to the length of its own so that nothing else moves. */
function modelWith(name: string, template: string): string {
  const bytes = Buffer.from(readFileSync(DEMO_FILE));
  const key = 'tokenizer.chat_template';
  const at = bytes.indexOf(key) + key.length + 4;
  const length = Number(bytes.readBigUInt64LE(at));
  bytes.write(template.padEnd(length), at + 8, length, 'latin1');
  const path = join(omg.home, `${name}.gguf`);
  writeFileSync(path, bytes);
  return path;
}

async function post(path: string, body: object, signal?: AbortSignal): Promise<{ status: number; body: unknown }> {
  const reply = await fetch(`${omg.url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
  return { status: reply.status, body: await reply.json() };
}

const chat = (model: string, content: string, signal?: AbortSignal): ReturnType<typeof post> =>
  post(
    '/api/chat',
    { model, messages: [{ role: 'user', content }], stream: false, options: { num_predict: 8 } },
    signal,
  );

async function listed(): Promise<string[]> {
  const { models } = (await (await fetch(`${omg.url}/api/tags`)).json()) as { models: { name: string }[] };
  return models.map(({ name }) => name.replace(':latest', ''));
}

async function stillTheSame(): Promise<void> {
  expect(await omg.json('serve', 'status')).toMatchObject({ pid });
}

test('models whose templates take all time and memory are imported and listed, refuse chats, and harm nobody', async () => {
  for (const [name, template] of Object.entries(HOSTILE)) {
    const imported = await omg.omg('import', modelWith(name, template), '--name', name);
    expect(imported.exitCode, imported.stderr).toBe(0);
    expect(imported.stderr).toContain('chat template cannot be used');
  }
  for (let round = 0; round < 3; round++) {
    expect(await listed()).toEqual(expect.arrayContaining(Object.keys(HOSTILE)));
    expect((await chat('demo', 'Hello!')).status).toBe(200);
  }
  for (const name of Object.keys(HOSTILE)) {
    expect(await chat(name, 'Hi')).toMatchObject({ status: 400, body: { code: 'template_failed' } });
  }
  await stillTheSame();
});

test('requests that are given up do not make others wait', async () => {
  const imported = await omg.omg('import', modelWith('waits', WAITS), '--name', 'waits');
  expect(imported.exitCode, imported.stderr).toBe(0);
  expect((await chat('waits', 'Hi')).status).toBe(200);
  const leavers = Array.from({ length: 8 }, () => new AbortController());
  const left = Promise.allSettled(leavers.map(({ signal }) => chat('waits', 'go', signal)));
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const leaver of leavers) leaver.abort();
  await left;
  const startedAt = performance.now();
  expect((await chat('demo', 'Hello!')).status).toBe(200);
  expect((await chat('waits', 'Hi')).status).toBe(200);
  // One after the other the eight take 40 s.
  expect(performance.now() - startedAt).toBeLessThan(20_000);
  await stillTheSame();
});

test('long lists of special tokens, in a template or typed, are refused and nobody waits', async () => {
  let longest = 0;
  let asking = true;
  const watch = (async () => {
    while (asking) {
      const askedAt = performance.now();
      await (await fetch(`${omg.url}/health`)).text();
      longest = Math.max(longest, performance.now() - askedAt);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const literals = Array.from({ length: 500_000 }, (_, at) => `<lit${at}>`).join('');
  expect(await post('/api/create', { model: 'many', from: 'demo', template: literals, stream: false })).toMatchObject({
    body: { code: 'template_failed', error: expect.stringContaining('1 MiB') },
  });
  expect(await chat('demo', '<|im_end|>'.repeat(2_000_000))).toMatchObject({
    status: 400,
    body: { code: 'context_length_exceeded' },
  });
  expect((await chat('demo', '</s>'.repeat(60_000))).status).toBe(400);
  asking = false;
  await watch;
  // Five seconds and more on a quiet machine where it runs in the daemon.
  expect(longest).toBeLessThan(4_000);
  expect((await chat('demo', 'Hello!')).status).toBe(200);
  await stillTheSame();
});

test.runIf(process.platform === 'linux')('no process for templates stays when there is no more work', async () => {
  const children = (): string[] =>
    readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .filter((entry) => {
        try {
          const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
          const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
          return parent === pid && readFileSync(`/proc/${entry}/cmdline`, 'latin1').includes('template-worker');
        } catch {
          return false;
        }
      });
  expect(children().length).toBeGreaterThan(0);
  await expect.poll(children, { timeout: 60_000 }).toEqual([]);
});
