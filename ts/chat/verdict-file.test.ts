import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ChatTemplates } from './chat-templates.ts';
import type { TaskEnded } from './template-process.ts';
import { runTask, type TaskResult, type TemplateTask } from './template-task.ts';

let home: string;
let file: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'omg-verdicts-'));
  file = join(home, 'new', 'verdicts.json');
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(home, { recursive: true, force: true });
});

type Outcome = TaskResult | TaskEnded;
type Header = Parameters<ChatTemplates['abilities']>[0];

const header = (chatTemplate: string, specialTokens: Record<string, string> = {}): Header => ({
  chatTemplate,
  metadata: {},
  specialTokens,
});
const GOOD = '{{ messages[0].content }}';
const ENDED: Outcome = { ended: 'it took longer than 2 s', lasting: true };

/** What one daemon says of a template, and how often it had to look. */
async function verdictOf(asked: Header, outcome?: Outcome): Promise<{ verdict: unknown; tasks: number }> {
  let tasks = 0;
  const run = async (task: TemplateTask): Promise<Outcome> => {
    tasks += 1;
    return outcome ?? runTask(task);
  };
  const templates = new ChatTemplates({ run, close: async () => {} }, file);
  const verdict = await templates.abilities(asked);
  await templates.close();
  return { verdict, tasks };
}

test('what a template can do, or that it cannot be used, is known to the next daemon', async () => {
  const first = await verdictOf(header(GOOD));
  expect(first).toMatchObject({ verdict: { abilities: { tools: false } }, tasks: 1 });
  const refused = await verdictOf(header("{{ raise_exception('x'.join(['y'] * 900)) }}"));
  expect(refused).toMatchObject({ verdict: { unusable: expect.any(String) }, tasks: 1 });
  const ended = await verdictOf(header('endless'), ENDED);
  expect(ended.tasks).toBe(1);
  for (let round = 0; round < 2; round++) {
    expect(await verdictOf(header(GOOD))).toEqual({ ...first, tasks: 0 });
    expect(await verdictOf(header('endless'))).toEqual({ ...ended, tasks: 0 });
    const again = await verdictOf(header("{{ raise_exception('x'.join(['y'] * 900)) }}"));
    // A template cannot fill the file with its own words.
    expect(again.tasks).toBe(0);
    expect((again.verdict as { unusable: string }).unusable.length).toBeLessThanOrEqual(300);
  }
  expect(statSync(file).size).toBeLessThan(2_000);
  if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('what took too long is looked into again a day later, and what the machine is to blame for at once', async () => {
  await verdictOf(header('endless'), ENDED);
  await verdictOf(header('starved'), { ...ENDED, lasting: false });
  expect((await verdictOf(header('starved'))).tasks).toBe(1);
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(Date.now() + 25 * 3600_000);
  expect((await verdictOf(header('endless'))).tasks).toBe(1);
});

test('a model with odd special tokens does not speak for others with the same template', async () => {
  await verdictOf(header(GOOD, { bos_token: '<odd>' }), { refused: 'no' });
  expect(await verdictOf(header(GOOD))).toMatchObject({ verdict: { abilities: {} }, tasks: 1 });
});

test.each([
  ['no JSON', (text: string) => text.slice(0, -20)],
  ['of another version', (text: string) => text.replace(/"version":"/, '"version":"9')],
  ['too large', (text: string) => text + ' '.repeat(2 ** 20)],
  ['of other verdicts', (text: string) => text.replaceAll('"system":', '"sistem":')],
  ['of no verdicts', () => '[1, {"verdicts": null}]'],
])('a file that is %s says nothing and is replaced', async (_, damage) => {
  await verdictOf(header(GOOD));
  writeFileSync(file, damage(readFileSync(file, 'utf8')));
  expect((await verdictOf(header(GOOD))).tasks).toBe(1);
  expect((await verdictOf(header(GOOD))).tasks).toBe(0);
});

test('where the file cannot be read or written, each daemon finds out for itself', async () => {
  mkdirSync(file, { recursive: true });
  for (let round = 0; round < 2; round++) {
    expect(await verdictOf(header(GOOD))).toMatchObject({ verdict: { abilities: {} }, tasks: 1 });
  }
});
