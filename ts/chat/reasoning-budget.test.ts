import { expect, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import type { ChatEvent, GenerateEvent, PromptSegment } from '../inference/index.ts';
import { formatOf } from './chat-format.ts';
import type { RenderedPrompt } from './chat-templates.ts';
import { limitReasoning, type ReasoningLimit } from './reasoning-budget.ts';
import { translateEvents } from './translate-events.ts';

const PROMPT: RenderedPrompt = {
  segments: [{ kind: 'text', text: 'Q', parseSpecial: true }],
  text: 'Q',
  adapted: [],
  format: formatOf({ template: '<think></think>', prompt: 'Q', prefill: undefined, tools: [] }),
};

/** Plays one list of texts per run, and keeps what each run was asked. */
async function answer(
  plays: (string[] | OmgError)[],
  limit: Partial<ReasoningLimit>,
  prompt = PROMPT,
): Promise<{ events: ChatEvent[]; runs: { prompt: PromptSegment[]; maxTokens: number | undefined }[]; ended: number }> {
  const runs: { prompt: PromptSegment[]; maxTokens: number | undefined }[] = [];
  let ended = 0;
  async function* run(segments: PromptSegment[], maxTokens: number | undefined): AsyncGenerator<GenerateEvent> {
    const texts = plays[runs.length] ?? [];
    runs.push({ prompt: segments, maxTokens });
    if (texts instanceof OmgError) throw texts;
    try {
      yield { type: 'start', promptTokens: 3 * runs.length, cachedTokens: 1 };
      for (const text of texts.slice(0, maxTokens)) yield { type: 'text', text, tokens: 1 };
      yield {
        type: 'end',
        reason: texts.length > (maxTokens ?? 99) ? 'length' : 'stop',
        usage: {
          promptTokens: 3 * runs.length,
          cachedTokens: 1,
          completionTokens: Math.min(texts.length, maxTokens ?? 99),
        },
        timings: { queueMs: 0, prefillMs: 1, decodeMs: 2 },
      };
    } finally {
      ended += 1;
    }
  }
  const events: ChatEvent[] = [];
  const limited = limitReasoning(run, prompt, { budget: undefined, maxTokens: undefined, ...limit });
  for await (const event of translateEvents(limited, prompt.format)) events.push(event);
  return { events, runs, ended };
}

const THOUGHTS = ['<think>', '\na', ' b', ' c', ' d', '</think>', '\n\n', 'own'];
const said = (events: ChatEvent[], type: string) =>
  events.map((event) => (event.type === type && 'text' in event ? event.text : '')).join('');

test('thoughts that stay within the budget, and requests without one, run once', async () => {
  for (const budget of [undefined, 6, 100]) {
    const { events, runs } = await answer([THOUGHTS], { budget, maxTokens: 50 });
    expect([said(events, 'reasoning'), said(events, 'content')]).toEqual(['a b c d', 'own']);
    expect(runs).toEqual([{ prompt: PROMPT.segments, maxTokens: 50 }]);
  }
});

test('past the budget the span is closed, and the answer comes after it, as one generation', async () => {
  const { events, runs, ended } = await answer([THOUGHTS, ['The', ' answer']], { budget: 3, maxTokens: 50 });
  expect([said(events, 'reasoning'), said(events, 'content')]).toEqual(['a b', 'The answer']);
  expect(events.map(({ type }) => type).filter((type) => type === 'start' || type === 'end')).toEqual(['start', 'end']);
  expect(events.at(-1)).toMatchObject({
    reason: 'stop',
    usage: { promptTokens: 3, cachedTokens: 1, completionTokens: 5, reasoningTokens: 3 },
  });
  expect([runs.length, ended]).toEqual([2, 2]);
  expect(runs[1]).toEqual({
    maxTokens: 47,
    prompt: [
      ...PROMPT.segments,
      { kind: 'text', text: '<think>', parseSpecial: true },
      { kind: 'text', text: '\na b', parseSpecial: false },
      { kind: 'text', text: '\n</think>\n\n', parseSpecial: true },
    ],
  });
});

test('a span that the prompt has opened is closed likewise', async () => {
  const format = formatOf({ template: '<think></think>', prompt: 'Q<think>', prefill: undefined, tools: [] });
  const { events, runs } = await answer([['a', ' b', ' c'], ['A']], { budget: 2 }, { ...PROMPT, format });
  expect([said(events, 'reasoning'), said(events, 'content')]).toEqual(['a b', 'A']);
  expect(runs[1]?.prompt.map((segment) => segment.kind === 'text' && segment.text)).toEqual([
    'Q',
    'a b',
    '\n</think>\n\n',
  ]);
});

test('the limit of the whole answer comes first, and a window full of thoughts is a length stop', async () => {
  const short = await answer([THOUGHTS, ['x']], { budget: 3, maxTokens: 3 });
  expect([short.runs.length, short.events.at(-1)]).toMatchObject([1, { reason: 'length' }]);
  const full = await answer([THOUGHTS, new OmgError('context_length_exceeded', 'x')], { budget: 3 });
  expect(full.events.at(-1)).toMatchObject({ reason: 'length', windowFull: true, usage: { completionTokens: 3 } });
  await expect(answer([THOUGHTS, new OmgError('runner_crashed', 'x')], { budget: 3 })).rejects.toThrow('x');
});

test('tokens that come together are cut where the budget ends, and their logprobs stay inside', async () => {
  const bytes = (text: string) => [...Buffer.from(text)];
  const tokens = ['<think>', 'a', ' b', ' c', ' d'].map((token, tokenId) => ({
    token,
    tokenId,
    logprob: -1,
    bytes: bytes(token),
    top: [],
  }));
  const runs: PromptSegment[][] = [];
  async function* run(segments: PromptSegment[]): AsyncGenerator<GenerateEvent> {
    runs.push(segments);
    yield { type: 'start', promptTokens: 1, cachedTokens: 0 };
    if (runs.length === 1) {
      yield { type: 'text', text: '<think>a', tokens: 2, logprobs: tokens.slice(0, 2) };
      yield { type: 'text', text: ' b c d', tokens: 3, logprobs: tokens.slice(2) };
    } else yield { type: 'text', text: 'So.', tokens: 1 };
    const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 1 };
    yield { type: 'end', reason: 'stop', usage, timings: { queueMs: 0, prefillMs: 1, decodeMs: 2 } };
  }
  const events: GenerateEvent[] = [];
  const limit = { budget: 3, maxTokens: undefined, hideLogprobs: true };
  for await (const event of limitReasoning(run, PROMPT, limit)) events.push(event);
  expect(events.flatMap((event) => (event.type === 'text' ? event.text : []))).toEqual([
    '<think>a',
    ' b',
    '\n</think>\n\n',
    'So.',
  ]);
  expect(events.some((event) => 'logprobs' in event)).toBe(false);
  expect(events.at(-1)).toMatchObject({ usage: { completionTokens: 4 } });
});
