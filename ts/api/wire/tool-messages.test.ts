import { expect, test } from 'vitest';
import type { ChatMessage } from '../../inference/index.ts';
import { pairToolResults } from './tool-messages.ts';

const call = (id: string, name: string) => ({ id, name, arguments: '{}' });
const result = (fields: Partial<ChatMessage> = {}): ChatMessage => ({ role: 'tool', content: 'r', ...fields });
const pairs = (messages: ChatMessage[]) =>
  messages.filter(({ role }) => role === 'tool').map(({ toolCallId, toolName }) => [toolCallId, toolName]);

test('results find their calls by id, else by name, else in order', () => {
  const messages: ChatMessage[] = [
    { role: 'assistant', content: '', toolCalls: [call('1', 'f'), call('2', 'g'), call('3', 'f'), call('4', 'h')] },
    result({ toolName: 'g' }),
    result(),
    result({ toolCallId: '3' }),
    result({ toolName: 'f' }),
    result({ toolName: 'nope' }),
    result(),
    result(),
    { role: 'assistant', content: '', toolCalls: [call('1', 'again')] },
    result({ toolCallId: '1' }),
    result({ toolCallId: 'nope' }),
  ];
  pairToolResults(messages);
  expect(pairs(messages)).toEqual([
    ['2', 'g'],
    ['1', 'f'],
    ['3', 'f'],
    [undefined, 'f'],
    [undefined, 'nope'],
    ['4', 'h'],
    [undefined, undefined],
    ['1', 'again'],
    ['nope', undefined],
  ]);
});

test('tens of thousands of calls are paired without looking at all of them for each', () => {
  const count = 60_000;
  const calls = Array.from({ length: count }, (_, index) => call(`c${index}`, `f${index % 2}`));
  const messages: ChatMessage[] = [{ role: 'assistant', content: '', toolCalls: calls }];
  for (let index = 0; index < count; index++) messages.push(result(index % 3 === 0 ? { toolName: 'f1' } : {}));
  const startedAt = performance.now();
  pairToolResults(messages);
  // All against all takes minutes.
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(new Set(pairs(messages).map(([id]) => id)).size).toBeGreaterThan(count * 0.8);
});
