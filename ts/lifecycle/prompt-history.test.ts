import { expect, test } from 'vitest';
import type { ChatEvent, ChatRequest, LoadedModel, PromptSegment } from '../inference/index.ts';
import { conversationKey, PromptHistory } from './prompt-history.ts';

/** A token per character. */
const model = {
  tokenize: async (prompt: PromptSegment[]) =>
    prompt.flatMap((s) => (s.kind === 'text' ? [...s.text].map((c) => c.charCodeAt(0)) : s.tokens)),
} as unknown as LoadedModel;

const LONG = 'x'.repeat(400);

async function missOf(
  history: PromptHistory,
  text: string,
  cachedTokens: number,
  conversation = 'c',
): Promise<unknown> {
  async function* answer(): AsyncGenerator<ChatEvent> {
    yield { type: 'start', promptTokens: text.length, cachedTokens };
    yield {
      type: 'end',
      reason: 'stop',
      usage: { promptTokens: text.length, cachedTokens, completionTokens: 0, reasoningTokens: 0 },
      timings: { queueMs: 0, prefillMs: 0, decodeMs: 0 },
    };
  }
  const segments: PromptSegment[] = [{ kind: 'text', text, parseSpecial: true }];
  for await (const event of history.watch(answer(), { conversation, segments, model })) {
    if (event.type === 'end') return event.cacheMiss;
  }
  return undefined;
}

test('says at which token a prompt departs from the one before it', async () => {
  const history = new PromptHistory();
  expect(await missOf(history, `day one ${LONG}`, 0)).toBeUndefined();
  expect(await missOf(history, `day two ${LONG} and more`, 0)).toEqual({
    reason: 'prompt_changed',
    firstDifferingToken: 4,
  });
});

test('a prompt that only grew, and was cached, is no miss; one that was let go of is', async () => {
  const history = new PromptHistory();
  await missOf(history, LONG, 0);
  expect(await missOf(history, `${LONG}y`, 384)).toBeUndefined();
  expect(await missOf(history, `${LONG}yz`, 0)).toEqual({ reason: 'evicted', firstDifferingToken: 401 });
  expect(await missOf(history, `other ${LONG}`, 0, 'another')).toBeUndefined();
});

test('remembers no more than it may', async () => {
  const history = new PromptHistory({ mostCharacters: 1000 });
  for (let at = 0; at < 20; at++) await missOf(history, LONG, 0, `c${at}`);
  expect(history.characters).toBeLessThanOrEqual(1000);
  await missOf(history, 'x'.repeat(5000), 0, 'huge');
  expect(history.characters).toBeLessThanOrEqual(1000);
  expect(await missOf(history, `y${LONG}`, 0, 'c19')).toMatchObject({ reason: 'prompt_changed' });
});

test('a comparison that fails costs the answer nothing', async () => {
  const history = new PromptHistory();
  await missOf(history, LONG, 0);
  const gone = { tokenize: () => Promise.reject(new Error('gone')) } as unknown as LoadedModel;
  async function* answer(): AsyncGenerator<ChatEvent> {
    yield { type: 'start', promptTokens: 400, cachedTokens: 0 };
  }
  const events: ChatEvent[] = [];
  for await (const event of history.watch(answer(), { conversation: 'c', segments: [], model: gone }))
    events.push(event);
  expect(events).toHaveLength(1);
});

test('a conversation is told by its model and what its user said first', () => {
  const request = (...messages: ChatRequest['messages']): ChatRequest => ({
    messages,
    sampling: {},
    stop: [],
    onOverflow: 'error',
  });
  const hi = { role: 'user', content: 'Hi' } as const;
  const one = conversationKey('m', request({ role: 'system', content: 'today' }, hi));
  expect(conversationKey('m', request(hi, { role: 'assistant', content: 'Yes?' }))).toBe(one);
  expect(conversationKey('n', request(hi))).not.toBe(one);
});
