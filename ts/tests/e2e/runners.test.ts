import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunnerEngine } from '../../engine/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { ChatEvent, ChatRequest, GenerateRequest } from '../../inference/index.ts';
import { demoModel, Library } from '../../library/index.ts';
import { ModelManager } from '../../lifecycle/index.ts';
import { gone } from './process-gone.ts';

// The real addon and the bundled model, without the HTTP surface: what happens to processes.

const DEMO = demoModel();
let folder: string;
let engine: RunnerEngine;
let manager: ModelManager;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'omg-e2e-'));
  engine = new RunnerEngine();
  manager = new ModelManager({
    engine,
    library: new Library({ modelsDir: join(folder, 'models'), bundled: [DEMO] }),
    puller: { pull: () => Promise.reject(new OmgError('hub_unreachable', 'no hub in this test')) },
  });
});

afterEach(async () => {
  await manager.close(0);
  await rm(folder, { recursive: true, force: true });
});

function ask(content: string, rest: Partial<ChatRequest> = {}): ChatRequest {
  return {
    messages: [{ role: 'user', content }],
    sampling: { temperature: 0 },
    stop: [],
    onOverflow: 'error',
    maxTokens: 200,
    ...rest,
  };
}

async function answer(events: AsyncIterable<ChatEvent>): Promise<string> {
  let text = '';
  for await (const event of events) if (event.type === 'content') text += event.text;
  return text;
}

async function errorOf(promise: Promise<unknown>): Promise<OmgError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OmgError);
  return error as OmgError;
}

function runnerPid(): number {
  const pid = manager.running()[0]?.pid;
  if (pid === undefined) throw new Error('no runner');
  return pid;
}

/** A request whose answer lasts: hot, and without the token that would end it early. */
async function ramble(): Promise<GenerateRequest> {
  const ends = await manager.tokenize('demo', [{ kind: 'text', text: '<|im_end|>', parseSpecial: true }]);
  return {
    prompt: [{ kind: 'text', text: 'once', parseSpecial: false }],
    sampling: { temperature: 3, topK: 0, seed: 1, logitBias: ends.map((token) => [token, -100]) },
    stop: [],
    maxTokens: 1500,
  };
}

test('the bundled model answers what it was trained to answer', async () => {
  expect(await answer(manager.chat('demo', ask('What is the capital of France?')))).toContain('Paris');
  expect(await answer(manager.chat('demo', ask('What is the capital of France?', { think: false })))).toContain(
    'Paris',
  );
});

test('many ask at once: one load, one process, and each answer as when asked alone', async () => {
  const questions = ['What is the capital of France?', 'What is the capital of Japan?', 'Hello!', 'What is omg?'];
  const alone: string[] = [];
  for (const question of questions) alone.push(await answer(manager.chat('demo', ask(question))));
  await manager.unload('demo');

  const loads: string[] = [];
  const events = manager.events();
  void (async () => {
    for await (const event of events) if (event.type === 'model.loading') loads.push(event.model);
  })();
  const together = await Promise.all(
    Array.from({ length: 24 }, (_, at) => answer(manager.chat('demo', ask(questions[at % questions.length] ?? '')))),
  );
  expect(together).toEqual(Array.from({ length: 24 }, (_, at) => alone[at % alone.length]));
  expect(loads).toHaveLength(1);
});

test('a seed gives the same answer alone and among others', async () => {
  const seeded = ask('Tell me something.', { sampling: { temperature: 1.2, seed: 42 } });
  const alone = await answer(manager.chat('demo', seeded));
  const [again] = await Promise.all([
    answer(manager.chat('demo', seeded)),
    answer(manager.chat('demo', ask('Hello!'))),
    answer(manager.chat('demo', ask('What is the capital of Italy?'))),
  ]);
  expect(again).toBe(alone);
});

test('kill -9 of the runner in the middle of an answer: a typed error, and the next request reloads', async () => {
  const request = await ramble();
  await manager.load('demo');
  const pid = runnerPid();
  const error = await errorOf(
    (async () => {
      for await (const event of manager.run('generate', 'demo', request)) {
        // At the start: a fast machine ends the answer while the first words are read.
        if (event.type === 'start') process.kill(pid, 'SIGKILL');
      }
    })(),
  );
  expect(error.code).toBe('runner_crashed');
  await gone(pid);
  expect(await answer(manager.chat('demo', ask('What is the capital of France?')))).toContain('Paris');
  expect(runnerPid()).not.toBe(pid);
});

test('a caller who leaves stops the engine, and the next one is served', async () => {
  const caller = new AbortController();
  const reasons: string[] = [];
  for await (const event of manager.run('generate', 'demo', await ramble(), { signal: caller.signal })) {
    if (event.type === 'start') caller.abort();
    if (event.type === 'end') reasons.push(event.reason);
  }
  expect(reasons).toEqual(['cancelled']);
  expect(manager.running()).toMatchObject([{ activeRequests: 0, queuedRequests: 0 }]);
  expect(await answer(manager.chat('demo', ask('What is the capital of France?')))).toContain('Paris');
});

test('unloading ends the process and waits for the answer under way', async () => {
  const first = answer(manager.chat('demo', ask('What is the capital of France?')));
  await manager.load('demo');
  const pid = runnerPid();
  expect(await manager.unload('demo')).toBe(true);
  expect(await first).toContain('Paris');
  await gone(pid);
  expect(manager.running()).toEqual([]);
});

test('special tokens that a person writes are text', async () => {
  const text = '<|im_end|>';
  const asText = await manager.tokenize('demo', [{ kind: 'text', text, parseSpecial: false }]);
  const asToken = await manager.tokenize('demo', [{ kind: 'text', text, parseSpecial: true }]);
  expect(asToken).toHaveLength(1);
  expect(asText.length).toBeGreaterThan(1);
  expect(await manager.detokenize('demo', asText)).toBe(text);
});

test('a prompt that is too long is refused with both numbers, or loses its oldest turns and says so', async () => {
  const turns = Array.from({ length: 200 }, (_, at) => [
    { role: 'user' as const, content: `What is ${at} plus ${at}, and what is the capital of France?` },
    { role: 'assistant' as const, content: `It is ${at + at}, and the capital is Paris.` },
  ]).flat();
  const long = ask('', { messages: [...turns, { role: 'user', content: 'What is the capital of France?' }] });
  const refused = await errorOf(answer(manager.chat('demo', long, { contextLength: 2048 })));
  expect(refused.code).toBe('context_length_exceeded');
  const { promptTokens, contextLength } = refused.detail as { promptTokens: number; contextLength: number };
  expect(promptTokens).toBeGreaterThan(contextLength);
  let start: Extract<ChatEvent, { type: 'start' }> | undefined;
  for await (const event of manager.chat(
    'demo',
    { ...long, onOverflow: 'drop-turns', maxTokens: 20 },
    { contextLength: 2048 },
  )) {
    if (event.type === 'start') start = event;
  }
  expect(start?.dropped?.messages).toBeGreaterThan(0);
  expect(start?.promptTokens).toBeLessThan(contextLength);
});

test('files that are no model, or half of one, are refused and leave the daemon as it was', async () => {
  const garbage = join(folder, 'garbage.gguf');
  await writeFile(garbage, 'this is not a model');
  expect((await errorOf(engine.inspect(garbage))).code).toBe('invalid_model_file');
  expect((await errorOf(engine.load({ path: garbage }))).code).toBe('invalid_model_file');

  const half = join(folder, 'half.gguf');
  const whole = await readFile(DEMO.path);
  await writeFile(half, whole.subarray(0, whole.length >> 1));
  expect((await errorOf(engine.load({ path: half }))).code).toBe('invalid_model_file');

  const lying = join(folder, 'lying.gguf');
  await writeFile(lying, whole);
  const file = await open(lying, 'r+');
  // The tensor count, at byte 8, becomes larger than the file could hold.
  await file.write(Buffer.from([0xff, 0xff, 0xff, 0x7f]), 0, 4, 8);
  await file.close();
  expect((await errorOf(engine.load({ path: lying }))).code).toBe('invalid_model_file');
  expect(await answer(manager.chat('demo', ask('What is the capital of France?')))).toContain('Paris');
});
