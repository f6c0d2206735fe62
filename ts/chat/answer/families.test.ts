import { describe, expect, test } from 'vitest';
import { AnswerReader } from './answer-reader.ts';
import type { Piece } from './piece.ts';
import { FAMILIES } from './recorded-answers.ts';
import { answerOf, formatFor } from './test-answer.ts';

describe.each(FAMILIES)('$family', (family) => {
  const format = formatFor(family);
  const { text } = family;

  test('reads as what it says', async () => {
    const { reasoning, content, calls } = await answerOf(format, [text]);
    expect({ reasoning, content }).toEqual({ reasoning: family.reasoning ?? '', content: family.content ?? '' });
    expect((calls as [string, string][]).map(([name, json]) => [name, JSON.parse(json)])).toEqual(family.calls);
  });

  test('gives the same for a cut at every place, and for single characters', async () => {
    const whole = await answerOf(format, [text]);
    for (let at = 1; at < text.length; at++) {
      expect(await answerOf(format, [text.slice(0, at), text.slice(at)]), text.slice(0, at)).toEqual(whole);
    }
    expect(await answerOf(format, text.split(''))).toEqual(whole);
  });

  test('breaks off at every place without an error, and loses nothing', async () => {
    for (let at = 0; at <= text.length; at++) {
      const broken = text.slice(0, at);
      const whole = await answerOf(format, [broken]);
      expect(await answerOf(format, broken.split('')), broken).toEqual(whole);
    }
  });
});

const WITH_ARGUMENTS = FAMILIES.filter(({ calls }) => calls.some(([, args]) => Object.keys(args as object).length > 1));

test.each(WITH_ARGUMENTS)('$family: the name and the first argument are told before the last has come', (family) => {
  const reader = new AnswerReader(formatFor(family));
  const seen: { at: number; piece: Piece }[] = [];
  family.text.split('').forEach((character, at) => {
    for (const piece of reader.push(character)) seen.push({ at, piece });
  });
  const begun = seen.find(({ piece }) => piece.kind === 'call')?.at ?? family.text.length;
  const first = seen.find(({ piece }) => piece.kind === 'arguments')?.at ?? family.text.length;
  const ended = seen.find(({ piece }) => piece.kind === 'call-end')?.at ?? 0;
  expect([begun <= first, first < ended - 5]).toEqual([true, true]);
});

test('a long string argument comes while it is written', () => {
  for (const [signs, head, tail] of [
    ['<tool_call>', '<tool_call>{"name": "get_weather", "arguments": {"city": "', '"}}</tool_call>'],
    ['<tool_call>', '<tool_call><function=get_weather><parameter=city>', '</parameter></function></tool_call>'],
    ['<|channel|><|message|>', '<|channel|>commentary to=functions.get_weather<|message|>{"city": "', '"}'],
    ['<start_function_call>', '<start_function_call>call:get_weather{city:<escape>', '<escape>}'],
    ['<|tool_call_start|>', '<|tool_call_start|>[get_weather(city="', '")]'],
  ] as const) {
    const reader = new AnswerReader(formatFor({ signs }));
    reader.push(head);
    for (let word = 0; word < 50; word++) {
      expect(reader.push(`word${word} `), signs).toEqual(
        expect.arrayContaining([{ kind: 'arguments', text: expect.stringContaining('word'.slice(0, 1)) }]),
      );
    }
    const last = [...reader.push(tail), ...reader.finish()];
    expect(last.at(-1)).toEqual({ kind: 'call-end' });
  }
});

test('line breaks that a model forgets to escape inside a string are escaped', async () => {
  const text = '<tool_call>{"name": "add", "arguments": {"code": "a\n\tb"}}</tool_call>';
  const { calls } = await answerOf(formatFor({ signs: '<tool_call>' }), [text]);
  expect(calls).toEqual([['add', '{"code":"a\\n\\tb"}']]);
});

test('a call that never ends costs no more than it is long', () => {
  const reader = new AnswerReader(formatFor({ signs: '<tool_call>' }));
  let json = '';
  const take = (pieces: Piece[]) => {
    for (const piece of pieces) if (piece.kind === 'arguments') json += piece.text;
  };
  take(reader.push('<tool_call>{"name": "add", "arguments": {"a": "'));
  for (let count = 0; count < 120; count++) take(reader.push('x'.repeat(10_000)));
  take(reader.finish());
  expect(json).toBe(`{"a":"${'x'.repeat(1_200_000)}`);
});
