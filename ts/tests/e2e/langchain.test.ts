import { HumanMessage } from '@langchain/core/messages';
import { ChatOllama, OllamaEmbeddings } from '@langchain/ollama';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation } from './omg.ts';

// LangChain, as its users set it up, with the built program, the real engine and the bundled model.

let omg: Installation;
beforeAll(async () => {
  omg = await Installation.create();
  await omg.omg('serve', '-d');
});
afterAll(() => omg.dispose());

const model = (): ChatOllama => new ChatOllama({ baseUrl: omg.url, model: 'demo', temperature: 0 });

test('invoke gives the answer and what it took', async () => {
  const answer = await model().invoke([new HumanMessage('What is the capital of France?')]);
  expect(answer.text).toContain('Paris');
  expect(answer.usage_metadata?.output_tokens).toBeGreaterThan(0);
  expect(answer.response_metadata).toMatchObject({ done: true, done_reason: 'stop' });
});

test('stream gives the same answer in pieces', async () => {
  const pieces: string[] = [];
  for await (const chunk of await model().stream('What is the capital of France?')) pieces.push(chunk.text);
  expect(pieces.join('')).toBe((await model().invoke('What is the capital of France?')).text);
});

test('several chats at once are answered each', async () => {
  const answers = await model().batch(['What is the capital of France?', 'What is the capital of Italy?']);
  expect(answers.map(({ text }) => text)).toEqual([expect.stringContaining('Paris'), expect.stringContaining('Rome')]);
});

test('an aborted stream ends what the model does', async () => {
  const controller = new AbortController();
  const long = new ChatOllama({ baseUrl: omg.url, model: 'demo', temperature: 2, numPredict: 100_000, seed: 1 });
  const read = async (): Promise<void> => {
    for await (const _ of await long.stream('Hello!', { signal: controller.signal })) controller.abort();
  };
  await read().catch(() => {});
  const active = async (): Promise<number> =>
    ((await omg.json('ps')) as { runtime?: { active_requests: number } }[])[0]?.runtime?.active_requests ?? 0;
  await expect.poll(active).toBe(0);
});

test('a model that is not there is an error of its own', async () => {
  const missing = new ChatOllama({ baseUrl: omg.url, model: 'nope', maxRetries: 0 });
  await expect(missing.invoke('x')).rejects.toThrow(/not found/);
  await expect(
    new OllamaEmbeddings({ baseUrl: omg.url, model: 'nope', maxRetries: 0 }).embedQuery('x'),
  ).rejects.toThrow();
});
