import { afterEach, expect, test, vi } from 'vitest';
import type { ChatRequest } from '../inference/index.ts';
import { ChatTemplates } from './chat-templates.ts';
import type { TaskEnded } from './template-process.ts';
import { runTask, type TaskResult, type TemplateTask } from './template-task.ts';

afterEach(() => {
  vi.useRealTimers();
});

const header = { chatTemplate: '{{ messages }}', metadata: {}, specialTokens: {} };
const request: ChatRequest = {
  messages: [{ role: 'user', content: 'Hi' }],
  sampling: {},
  stop: [],
  onOverflow: 'error',
};

/** Templates over a renderer of which every task comes to the same, and the tasks it was given. */
function templatesThat(outcome: TaskResult | TaskEnded): { templates: ChatTemplates; tasks: TemplateTask[] } {
  const tasks: TemplateTask[] = [];
  const run = async (task: TemplateTask): Promise<TaskResult | TaskEnded> => {
    tasks.push(task);
    return outcome;
  };
  return { templates: new ChatTemplates({ run, close: async () => {} }), tasks };
}

test('a template that fails while its abilities are found is not tried again, whoever asks', async () => {
  const { templates, tasks } = templatesThat({ ended: 'it took longer than 2 s', lasting: true });
  for (let round = 0; round < 3; round++) {
    // Lists get an answer and chats an error. A header that is read anew has the same template.
    expect(await templates.abilities({ ...header })).toMatchObject({ unusable: expect.stringContaining('2 s') });
    await expect(templates.render({ ...header }, request)).rejects.toMatchObject({
      code: 'template_failed',
      message: expect.stringContaining('2 s'),
      hint: expect.stringContaining('omg create'),
    });
  }
  expect(tasks).toHaveLength(1);
  await templates.abilities({ ...header, chatTemplate: 'another' });
  expect(tasks).toHaveLength(2);
});

test('where the machine may be to blame it is tried again, after a while', async () => {
  vi.useFakeTimers();
  const { templates, tasks } = templatesThat({ ended: 'it took longer than 2 s', lasting: false });
  await templates.abilities(header);
  await templates.abilities(header);
  expect(tasks).toHaveLength(1);
  vi.advanceTimersByTime(120_000);
  await templates.abilities(header);
  expect(tasks).toHaveLength(2);
});

test('a prompt that fails says so and condemns no template', async () => {
  let hung = false;
  const templates = new ChatTemplates({
    run: async (task) =>
      hung && task.kind === 'prompt' ? { ended: 'it took longer than 5 s', lasting: true } : runTask(task),
    close: async () => {},
  });
  hung = true;
  await expect(templates.render(header, request)).rejects.toMatchObject({
    code: 'template_failed',
    message: expect.stringContaining('did not come to an end'),
  });
  hung = false;
  expect((await templates.render(header, request)).text).toContain('Hi');
});

test('the signal reaches the renderer, and ends the waiting for what others wait for too', async () => {
  const signals: (AbortSignal | undefined)[] = [];
  let go = (): void => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  const templates = new ChatTemplates({
    async run(task, signal) {
      signals.push(signal);
      await held;
      return runTask(task);
    },
    close: async () => {},
  });
  const caller = new AbortController();
  const left = templates.render(header, request, caller.signal);
  const stays = new AbortController();
  const stayed = templates.render(header, request, stays.signal);
  caller.abort();
  await expect(left).rejects.toMatchObject({ code: 'cancelled' });
  go();
  expect((await stayed).text).toContain('Hi');
  // The abilities belong to nobody, the prompt to the one who stayed.
  expect(signals).toEqual([undefined, stays.signal]);
});

test.each([
  ['a long template', { chatTemplate: 'x'.repeat(2 ** 20 + 1) }],
  ['a long list of templates', { chatTemplate: `[${' '.repeat(5 * 2 ** 20)}]` }],
  ['long special tokens', { specialTokens: { bos_token: '<'.repeat(2 ** 16 + 1) } }],
])('%s reaches no process', async (_, rest) => {
  const { templates, tasks } = templatesThat({ refused: 'never' });
  const verdict = await templates.abilities({ ...header, ...rest });
  expect(verdict).toMatchObject({ unusable: expect.stringMatching(/longer than 1 MiB|too long/), lasting: true });
  expect(tasks).toEqual([]);
});

test('a template that names too many special tokens is a verdict, too', async () => {
  const templates = new ChatTemplates({ run: async (task) => runTask(task), close: async () => {} });
  const chatTemplate = Array.from({ length: 2000 }, (_, at) => `<t${at}>`).join('');
  expect(await templates.abilities({ ...header, chatTemplate })).toMatchObject({
    unusable: expect.stringContaining('more than 1000'),
  });
});
