import { expect } from 'vitest';
import type { ChatEvent, GenerateEvent } from '../../inference/index.ts';
import { type ChatFormat, formatOf } from '../chat-format.ts';
import { translateEvents } from '../translate-events.ts';
import { type Family, TOOLS } from './recorded-answers.ts';

/** For tests: how answers of a family are read. */
export const formatFor = ({ signs, prompt = '' }: Pick<Family, 'signs' | 'prompt'>): ChatFormat =>
  formatOf({ template: signs, prompt, prefill: undefined, tools: TOOLS });

export interface Told {
  reasoning: string;
  content: string;
  /** Names and arguments. */
  calls: [string, string][];
}

/** For tests: what a client is left with when an answer comes in chunks, which must be the same from whole calls and from their pieces. */
export async function answerOf(format: ChatFormat, chunks: string[]): Promise<Told> {
  async function* events(): AsyncGenerator<GenerateEvent> {
    for (const text of chunks) yield { type: 'text', text, tokens: 1 };
    const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: chunks.length };
    yield { type: 'end', reason: 'stop', usage, timings: { queueMs: 0, prefillMs: 0, decodeMs: 0 } };
  }
  const all: ChatEvent[] = [];
  for await (const event of translateEvents(events(), format)) all.push(event);
  const text = (type: 'reasoning' | 'content') => all.map((event) => (event.type === type ? event.text : '')).join('');
  const calls = all.flatMap((event) => (event.type === 'tool-call' ? event : []));
  const pieces = calls.map(({ index }) => ({
    name: all.find((event) => event.type === 'tool-call-start' && event.index === index),
    text: all.map((event) => (event.type === 'tool-call-delta' && event.index === index ? event.text : '')).join(''),
  }));
  expect(pieces.map(({ name, text }) => [name?.type === 'tool-call-start' && name.name, text])).toEqual(
    calls.map(({ call }) => [call.name, call.arguments]),
  );
  return {
    reasoning: text('reasoning'),
    content: text('content'),
    calls: calls.map(({ call }): [string, string] => [call.name, call.arguments]),
  };
}
