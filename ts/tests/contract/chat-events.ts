import type { ChatEvent } from '../../inference/index.ts';
import { END } from './fake-models.ts';

// Events of a model's answer, in short.

export const START = { type: 'start', promptTokens: 7, cachedTokens: 2 } satisfies ChatEvent;
export const text = (value: string): ChatEvent => ({ type: 'content', text: value, tokens: 1 });
export const thought = (value: string): ChatEvent => ({ type: 'reasoning', text: value, tokens: 1 });
export const call = (index: number): ChatEvent => ({
  type: 'tool-call',
  index,
  call: { id: `call_${index}`, name: 'f', arguments: '{"a":1}' },
});
export const end = (fields: object): ChatEvent => ({ ...END, ...fields }) as ChatEvent;

/** One with everything: thoughts, text, two calls. */
export const answer = [
  START,
  thought('h'),
  thought('m'),
  text('a'),
  text('b'),
  call(0),
  call(1),
  end({ reason: 'tool-calls' }),
];
