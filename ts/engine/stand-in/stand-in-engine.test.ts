import { expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import type { GenerateEvent, GenerateRequest } from '../../inference/index.ts';
import type { StandInScript } from './script.ts';
import { StandInEngine } from './stand-in-engine.ts';

async function answer(script: StandInScript, rest: Partial<GenerateRequest> = {}): Promise<GenerateEvent[]> {
  const model = await new StandInEngine(script).load({ path: 'm' });
  const events: GenerateEvent[] = [];
  const request = {
    prompt: [{ kind: 'text' as const, text: 'say this', parseSpecial: false }],
    sampling: {},
    stop: [],
    ...rest,
  };
  for await (const event of model.run('generate', request)) events.push(event);
  return events;
}

const textOf = (events: GenerateEvent[]): string =>
  events.map((event) => (event.type === 'text' ? event.text : '')).join('');

test('echoes by default, says a text, or follows a function', async () => {
  expect(textOf(await answer({}))).toBe('say this');
  expect(textOf(await answer({ reply: 'a  b\n' }))).toBe('a  b\n');
  expect(textOf(await answer({ reply: (_, prompt) => ['<', prompt, '>'] }))).toBe('<say this>');
});

test('stop strings across tokens are not emitted, and the rest held back is', async () => {
  const stopped = await answer({ reply: () => ['on', 'e E', 'ND two'] }, { stop: ['END'] });
  expect(textOf(stopped)).toBe('one ');
  expect(stopped.at(-1)).toMatchObject({ reason: 'stop', stopSequence: 'END' });
  expect(textOf(await answer({ reply: () => ['one EN'] }, { stop: ['END'] }))).toBe('one EN');
});

test('token limits and windows', async () => {
  expect((await answer({ reply: 'a b c d' }, { maxTokens: 2 })).at(-1)).toMatchObject({
    reason: 'length',
    usage: { promptTokens: 2, completionTokens: 2 },
  });
  expect((await answer({ reply: 'a b c d', contextLength: 4 })).at(-1)).toMatchObject({
    reason: 'length',
    windowFull: true,
  });
  await expect(answer({ contextLength: 2 })).rejects.toMatchObject({
    code: 'context_length_exceeded',
    detail: { promptTokens: 2, contextLength: 2 },
  });
  expect(await answer({}, { maxTokens: 0 })).toMatchObject([{ type: 'start' }, { type: 'end', reason: 'length' }]);
});

test('failures before, amid and with the process', async () => {
  const error = new OmgError('internal', 'no');
  await expect(answer({ generateError: error })).rejects.toBe(error);
  await expect(answer({ reply: 'a b', failAfter: { tokens: 1, error } })).rejects.toBe(error);
  await expect(answer({ reply: 'a b', crashAfter: { tokens: 1 } })).rejects.toMatchObject({ code: 'runner_crashed' });
});

test('tokens survive the round trip', async () => {
  const model = await new StandInEngine().load({ path: 'm' });
  const prompt = [{ kind: 'text' as const, text: ' two  words\n', parseSpecial: false }];
  expect(await model.detokenize(await model.tokenize(prompt))).toBe(' two  words\n');
});

test('a grammar of JSON is answered by a minimal document', async () => {
  const schema = {
    $defs: { city: { type: 'object', properties: { name: { minLength: 2, type: 'string' } }, required: ['name'] } },
    type: 'object',
    properties: { cities: { type: 'array', items: { $ref: '#/$defs/city' }, minItems: 1 }, n: { enum: [3] } },
    required: ['cities', 'n'],
  };
  expect(JSON.parse(textOf(await answer({}, { grammar: { kind: 'json_schema', schema } })))).toEqual({
    cities: [{ name: 'xx' }],
    n: 3,
  });
  expect(textOf(await answer({}, { grammar: { kind: 'json_object' } }))).toBe('{}');
});
