import { expect, test } from 'vitest';
import type { ChatEvent, GenerateEvent, TokenLogprob } from '../inference/index.ts';
import { type ChatFormat, formatOf } from './chat-format.ts';
import { translateEvents } from './translate-events.ts';

const FORMAT = formatOf({
  template: '<think></think><tool_call>',
  prompt: '',
  prefill: undefined,
  tools: [{ name: 'add' }],
});
const END: GenerateEvent = {
  type: 'end',
  reason: 'stop',
  usage: { promptTokens: 3, cachedTokens: 1, completionTokens: 9 },
  timings: { queueMs: 0, prefillMs: 1, decodeMs: 2 },
};

function logprob(token: string): TokenLogprob {
  return { token, tokenId: 1, logprob: -1, bytes: [], top: [] };
}

async function translate(texts: string[], format: ChatFormat = FORMAT, end: GenerateEvent = END): Promise<ChatEvent[]> {
  async function* events(): AsyncGenerator<GenerateEvent> {
    yield { type: 'start', promptTokens: 3, cachedTokens: 1 };
    for (const text of texts) yield { type: 'text', text, tokens: 1, logprobs: [logprob(text)] };
    yield end;
  }
  const all: ChatEvent[] = [];
  let ids = 0;
  for await (const event of translateEvents(events(), format, { newCallId: () => `call_${ids++}` })) all.push(event);
  return all;
}

test('reasoning, content and a call in order, with a reason of their own', async () => {
  const events = await translate([
    '<think>',
    'hm',
    '</th',
    'ink>\n\n',
    'Yes',
    '.\n',
    '<tool_call>',
    '{"name":"add"}',
    '</tool_call>',
  ]);
  expect(events.map((event) => ('text' in event ? `${event.type} ${event.text}` : event.type))).toEqual([
    'start',
    'reasoning hm',
    'content Yes',
    'content .',
    'tool-call-start',
    'tool-call-delta {}',
    'tool-call',
    'end',
  ]);
  expect(events[6]).toEqual({ type: 'tool-call', index: 0, call: { id: 'call_0', name: 'add', arguments: '{}' } });
  expect(events.at(-1)).toMatchObject({ reason: 'tool-calls', usage: { completionTokens: 9, reasoningTokens: 4 } });
});

test('no token and no logprob of emitted text is lost when text is held back', async () => {
  const events = await translate(['Is ', '1', ' <', ' 2', '?', ' <tool', 's']);
  const texts = events.filter((event) => event.type === 'content');
  expect(texts.map(({ text }) => text).join('')).toBe('Is 1 < 2? <tools');
  expect(texts.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(7);
  expect(texts.flatMap(({ logprobs }) => logprobs?.map(({ token }) => token))).toEqual([
    'Is ',
    '1',
    ' <',
    ' 2',
    '?',
    ' <tool',
    's',
  ]);
});

test('a length stop stays a length stop, and half a call is content', async () => {
  const events = await translate(['<tool_call>', '{"name":'], FORMAT, { ...END, reason: 'length' });
  expect(events[1]).toMatchObject({ type: 'content', text: '<tool_call>{"name":' });
  expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'length' });
});

test('reasoning is counted when many tokens come at once', async () => {
  async function* events(): AsyncGenerator<GenerateEvent> {
    yield { type: 'text', text: '<think>aaaaaaaaaaaaa</think>bbbbbbbbbbbb', tokens: 40 };
    yield END;
  }
  const all: ChatEvent[] = [];
  for await (const event of translateEvents(events(), FORMAT)) all.push(event);
  expect(all.at(-1)).toMatchObject({ usage: { reasoningTokens: 28 } });
});

test('what is said of an answer does not depend on how many tokens come at once', async () => {
  const tokens = ['<think>', 'a', 'b\n', '</think>', '\n\n', 'Hi', ' ', 'you', '!'];
  const logprob = (token: string) => ({ token, tokenId: 1, logprob: -1, bytes: [], top: [] });
  for (let size = 1; size <= tokens.length; size++) {
    async function* events(): AsyncGenerator<GenerateEvent> {
      for (let at = 0; at < tokens.length; at += size) {
        const some = tokens.slice(at, at + size);
        const lengths = some.map((token) => token.length);
        yield { type: 'text', text: some.join(''), tokens: some.length, lengths, logprobs: some.map(logprob) };
      }
      yield END;
    }
    const all: ChatEvent[] = [];
    for await (const event of translateEvents(events(), FORMAT)) all.push(event);
    const content = all.filter((event) => event.type === 'content');
    expect(content.map(({ text }) => text).join('')).toBe('Hi you!');
    expect(content.flatMap(({ logprobs }) => logprobs?.map(({ token }) => token))).toEqual(['Hi', ' ', 'you', '!']);
    expect(all.at(-1)).toMatchObject({ usage: { reasoningTokens: 4 } });
  }
});

test('call ids differ', async () => {
  async function* events(): AsyncGenerator<GenerateEvent> {
    yield {
      type: 'text',
      text: '<tool_call>{"name":"add"}</tool_call><tool_call>{"name":"add"}</tool_call>',
      tokens: 9,
    };
    yield END;
  }
  const ids: string[] = [];
  for await (const event of translateEvents(events(), FORMAT)) if (event.type === 'tool-call') ids.push(event.call.id);
  expect(new Set(ids).size).toBe(2);
  for (const id of ids) expect(id).toMatch(/^call_[A-Za-z0-9]{24}$/);
});
