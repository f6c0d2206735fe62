import { expect, onTestFinished, test } from 'vitest';
import { BOMBS, ENDLESS, HUNGRY } from './fixtures/hostile-templates.ts';
import type { TaskEnded } from './template-process.ts';
import { type SandboxOptions, TemplateSandbox } from './template-sandbox.ts';
import type { TaskResult, TemplateTask } from './template-task.ts';

/** Whose engine lets everything through, so that the walls are tested. */
const UNBOUNDED = new URL('./fixtures/unbounded-worker.ts', import.meta.url);
/** The one that the product runs. */
const REAL = new URL('./template-worker.ts', import.meta.url);

function sandbox(options: SandboxOptions = {}): TemplateSandbox {
  const box = new TemplateSandbox({ workerFile: UNBOUNDED, ...options });
  onTestFinished(() => box.close());
  return box;
}

function prompt(template: string, content = 'Hi'): TemplateTask {
  const messages = JSON.stringify([{ role: 'user', content }]);
  const variables = { messages, tools: 'null', others: '{"add_generation_prompt":true}' };
  return { kind: 'prompt', template, specialTokens: {}, variables };
}

const abilities = (template: string): TemplateTask => ({ kind: 'abilities', template, specialTokens: {} });

async function textOf(outcome: Promise<TaskResult | TaskEnded>): Promise<unknown> {
  const result = await outcome;
  return 'text' in result ? result.text : result;
}

/** Processes without the one that is kept ready for the next template. */
const atWork = (box: TemplateSandbox): number[] => box.pids.filter((pid) => pid !== box.sparePid);

const HONEST = '<|user|>{{ messages[0].content }}';
/** An endless template of its own for each number. */
const endless = (number: number): string => `{# ${number} #}${ENDLESS}`;

test('renders in a process of its own, and again', async () => {
  const box = sandbox();
  expect(await textOf(box.run(prompt('{% for i in range(3) %}{{ i }}{% endfor %}')))).toBe('012');
  const [pid] = atWork(box);
  expect(pid).not.toBe(process.pid);
  expect(await textOf(box.run(prompt('{% for i in range(3) %}{{ i }}{% endfor %}')))).toBe('012');
  expect(atWork(box)).toEqual([pid]);
  expect(await textOf(box.run(prompt('{{ strftime_now("%Y") }}')))).toMatch(/^20\d\d$/);
});

test('a template that does not end is ended, and the next one renders', async () => {
  const box = sandbox({ timeoutMs: 1000 });
  const hung = box.run(prompt(ENDLESS));
  expect(await textOf(box.run(prompt(HONEST)))).toBe('<|user|>Hi');
  expect(await hung).toMatchObject({ ended: expect.stringContaining('1 s') });
});

test('a template that eats memory is ended', async () => {
  const box = sandbox({ abilitiesTimeoutMs: 20_000 });
  expect(await box.run(abilities(HUNGRY))).toMatchObject({ ended: expect.any(String), lasting: true });
  expect(await textOf(box.run(prompt(HONEST)))).toBe('<|user|>Hi');
});

test('one that is ended while it eats memory does no harm later', async () => {
  const box = sandbox({ timeoutMs: 300 });
  expect(await box.run(prompt(HUNGRY))).toHaveProperty('ended');
  expect(await textOf(box.run(prompt(HONEST)))).toBe('<|user|>Hi');
});

test.each(Object.entries(BOMBS))(
  'the engine refuses %s before any wall does',
  { timeout: 200_000 },
  async (_, template) => {
    const box = sandbox({ workerFile: REAL, timeoutMs: 90_000, abilitiesTimeoutMs: 90_000 });
    expect(await box.run(prompt(template))).toHaveProperty('refused');
    expect(await box.run(abilities(template))).toHaveProperty('refused');
    expect(atWork(box)).toHaveLength(1);
  },
);

test('text that no window holds is refused in the process and does not come over', async () => {
  const long = "{% for i in range(200) %}{{ 'x' | indent(100000, true) }}{% endfor %}";
  expect(await sandbox().run(prompt(long))).toHaveProperty('refused');
});

test('whoever leaves takes the work along: what waits is dropped, what runs is ended', async () => {
  const box = sandbox({ timeoutMs: 60_000 });
  const leavers = Array.from({ length: 8 }, () => new AbortController());
  const outcomes = leavers.map(({ signal }) => box.run(prompt(ENDLESS), signal));
  const settled = Promise.allSettled(outcomes);
  await expect.poll(() => atWork(box)).toHaveLength(1);
  for (const leaver of leavers) leaver.abort();
  for (const outcome of await settled) expect(outcome).toMatchObject({ reason: { code: 'cancelled' } });
  await expect.poll(() => atWork(box)).toEqual([]);
  await expect(box.run(prompt(HONEST), AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  expect(atWork(box)).toEqual([]);
});

test('one template has one process, and its work waits for itself only', async () => {
  const box = sandbox({ timeoutMs: 2000 });
  const hung = [1, 2, 3].map(() => box.run(prompt(ENDLESS)));
  const honest = await Promise.all([1, 2, 3].map((number) => textOf(box.run(prompt(HONEST, `${number}`)))));
  expect(honest).toEqual(['<|user|>1', '<|user|>2', '<|user|>3']);
  expect(atWork(box)).toHaveLength(2);
  for (const outcome of await Promise.all(hung)) expect(outcome).toHaveProperty('ended');
});

test('many honest templates, as of a long list of models, share few processes', async () => {
  const box = sandbox();
  const seen = new Set<number>();
  const outcomes = Array.from({ length: 24 }, async (_, number) => {
    expect(await box.run(abilities(`${HONEST}${number}`))).toHaveProperty('abilities');
    for (const pid of box.pids) seen.add(pid);
  });
  await Promise.all(outcomes);
  // More where a busy machine makes some of them slow.
  expect(seen.size).toBeLessThan(20);
  expect(atWork(box).length).toBeLessThanOrEqual(6);
});

test('twenty hostile templates at once leave room for honest ones, known and new', async () => {
  const box = sandbox({ abilitiesTimeoutMs: 500, idleMs: 5000 });
  await box.run(prompt(HONEST));
  let ended = 0;
  const hostile = Array.from({ length: 20 }, async (_, number) => {
    expect(await box.run(abilities(endless(number)))).toHaveProperty('ended');
    ended += 1;
  });
  const all = Promise.allSettled(hostile);
  let most = 0;
  for (let round = 0; round < 10; round++) {
    const before = ended;
    const known = round % 2 === 0;
    expect(await textOf(box.run(prompt(known ? HONEST : `${HONEST}${round}`)))).toContain('<|user|>Hi');
    // However slow the machine is: behind the twenty, an honest one would see all of them end.
    expect(ended - before).toBeLessThan(known ? 6 : 12);
    most = Math.max(most, box.pids.length);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // Those that are ending count as well.
  expect(most).toBeLessThanOrEqual(11);
  for (const outcome of await all) expect(outcome).toHaveProperty('status', 'fulfilled');
  await expect.poll(() => box.pids).toEqual([]);
}, 180_000);

test('while a template that nobody knows is at work, a process is ready for the next one that comes', async () => {
  const box = sandbox({ timeoutMs: 120_000, idleMs: 120_000 });
  const caller = new AbortController();
  const hung = Promise.allSettled([box.run(prompt(ENDLESS), caller.signal)]);
  await expect.poll(() => box.sparePid, { timeout: 60_000 }).toBeDefined();
  const spare = box.sparePid;
  expect(await textOf(box.run(prompt(HONEST)))).toBe('<|user|>Hi');
  expect(box.sparePid).not.toBe(spare);
  expect(atWork(box)).toContain(spare);
  caller.abort();
  await hung;
}, 120_000);

test('the process that is kept ready goes when nothing more comes', async () => {
  const box = sandbox({ idleMs: 200 });
  await box.run(prompt(HONEST));
  await expect.poll(() => box.pids, { timeout: 60_000 }).toEqual([]);
}, 120_000);

test('closing ends what runs and what waits', async () => {
  const box = sandbox({ timeoutMs: 60_000 });
  const outcomes = Promise.allSettled([box.run(prompt(ENDLESS)), box.run(prompt(ENDLESS))]);
  await expect.poll(() => atWork(box)).toHaveLength(1);
  await box.close();
  for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'shutting_down' } });
  expect(box.pids).toEqual([]);
});
