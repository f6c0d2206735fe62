import { expect, test } from 'vitest';
import type { ChatMessage, ChatRequest } from '../inference/index.ts';
import type { RenderedPrompt } from './chat-templates.ts';
import { dropTurns } from './fit-window.ts';

/** One token per word; the prompt is the contents, a word each. */
function options(contextLength: number): Parameters<typeof dropTurns>[1] {
  return {
    contextLength,
    render: async (request) => {
      const text = request.messages.map(({ content }) => content).join(' ');
      return {
        segments: [],
        text,
        adapted: [],
        format: { reasoningOpened: false, tools: [], keepSpecialTokens: false },
      } satisfies RenderedPrompt;
    },
    countTokens: async ({ text }) => text.split(' ').length,
  };
}

function request(messages: ChatMessage[], rest: Partial<ChatRequest> = {}): ChatRequest {
  return { messages, sampling: {}, stop: [], onOverflow: 'drop-turns', maxTokens: 1, ...rest };
}

const message = (role: ChatMessage['role'], content: string): ChatMessage => ({ role, content });

test('whole oldest turns go, a call with its results; system messages and the last turn stay', async () => {
  const messages = [
    message('system', 'sys'),
    message('user', 'u1'),
    message('assistant', 'call1'),
    message('tool', 'result1'),
    message('assistant', 'a1'),
    message('user', 'u2'),
    message('assistant', 'a2'),
    message('user', 'u3'),
  ];
  const fits = async (window: number): Promise<[string, number, number]> => {
    const { prompt, dropped } = await dropTurns(request(messages), options(window));
    return [prompt.text, dropped.messages, dropped.tokens];
  };
  expect(await fits(7)).toEqual(['sys u2 a2 u3', 4, 4]);
  expect(await fits(5)).toEqual(['sys u2 a2 u3', 4, 4]);
  expect(await fits(4)).toEqual(['sys u3', 6, 6]);
  expect(await fits(3)).toEqual(['sys u3', 6, 6]);
});

test('what has to stay and does not fit is refused with both numbers', async () => {
  const messages = [
    message('system', 'a b c'),
    message('user', 'u1'),
    message('assistant', 'a1'),
    message('user', 'd e f'),
  ];
  await expect(dropTurns(request(messages), options(6))).rejects.toMatchObject({
    code: 'context_length_exceeded',
    detail: { promptTokens: 6, contextLength: 6 },
  });
  await expect(dropTurns(request([message('user', 'a b c d')]), options(3))).rejects.toMatchObject({
    code: 'context_length_exceeded',
    detail: { promptTokens: 4, contextLength: 3 },
  });
});

test('room is left for the answer', async () => {
  const turns = Array.from({ length: 20 }, (_, at) => [
    message('user', `u${at}`),
    message('assistant', `a${at}`),
  ]).flat();
  const { prompt } = await dropTurns(request([...turns, message('user', 'last')], { maxTokens: 1000 }), options(40));
  expect(prompt.text.split(' ').length).toBe(29);
});
