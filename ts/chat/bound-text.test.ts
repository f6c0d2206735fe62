import { expect, test } from 'vitest';
import type { ChatMessage, ChatRequest } from '../inference/index.ts';
import { boundText } from './bound-text.ts';

const MIB = 2 ** 20;

function request(messages: ChatMessage[], rest: Partial<ChatRequest> = {}): ChatRequest {
  return { messages, sampling: {}, stop: [], onOverflow: 'error', ...rest };
}

const user = (length: number): ChatMessage => ({ role: 'user', content: 'x'.repeat(length) });
const assistant = (length: number): ChatMessage => ({ role: 'assistant', content: 'y'.repeat(length) });

test('what a window may hold is left alone', () => {
  const asked = request([user(MIB), assistant(10), user(10)]);
  expect(boundText(asked, 8192)).toEqual({ request: asked, dropped: { messages: 0, tokens: 0 } });
});

test.each([
  ['one long message', request([user(3 * MIB)])],
  ['very many messages', request(Array.from({ length: 100_000 }, () => user(0)))],
  [
    'a long list in a tool',
    request([user(1)], { tools: [{ name: 'x', parameters: { enum: new Array(MIB).fill(0) } }] }),
  ],
  ['a long variable', request([user(1)], { templateVariables: { note: 'x'.repeat(3 * MIB) } })],
  ['a long last turn, though turns may go', request([user(9), user(3 * MIB)], { onOverflow: 'drop-turns' })],
])('more than any window is refused: %s', (_, asked) => {
  expect(() => boundText(asked, 8192)).toThrow(expect.objectContaining({ code: 'context_length_exceeded' }));
});

test('no window makes room for more than 8 MiB', () => {
  expect(() => boundText(request([user(9 * MIB)]), 10_000_000)).toThrow('characters');
});

test('where turns may go, the oldest go first, whole, and no more than has to', () => {
  const system: ChatMessage = { role: 'system', content: 'Be kind.' };
  const turns = [user(MIB), assistant(5), user(MIB), assistant(6), user(MIB), assistant(7), user(8)];
  const bounded = boundText(request([system, ...turns], { onOverflow: 'drop-turns' }), 8192);
  expect(bounded.request.messages).toEqual([system, ...turns.slice(4)]);
  expect(bounded.dropped.messages).toBe(4);
  expect(bounded.dropped.tokens).toBeGreaterThan(2 ** 18);
});
