import { expect, test } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import { ResponseEvents } from './responses-events.ts';
import { newResponse } from './responses-object.ts';
import { responsesSchema } from './responses-schema.ts';

const builder = () =>
  new ResponseEvents(newResponse(responsesSchema.parse({ model: 'm' })), {
    oneCall: false,
    logprobs: false,
    encrypted: false,
  });

test('an error before anything else still makes a whole stream: a client may have had keep-alives only', () => {
  const events = [...builder().fail(new OmgError('server_busy', 'full'))];
  expect(events.map(({ type, sequence_number }) => [type, sequence_number])).toEqual([
    ['response.created', 0],
    ['response.in_progress', 1],
    ['response.failed', 2],
  ]);
  expect(events.at(-1)?.response).toMatchObject({ status: 'failed', error: { code: 'rate_limit_exceeded' } });
});

test('events are not changed by what comes later', () => {
  const events = builder();
  const first = [...events.push({ type: 'content', text: 'a', tokens: 1 })];
  const before = structuredClone(first);
  for (const _ of events.push({ type: 'content', text: 'b', tokens: 1 }));
  expect(first).toEqual(before);
});

test.each([
  ['runner_crashed', 'server_error'],
  ['cancelled', 'server_error'],
  ['context_length_exceeded', 'invalid_prompt'],
] as const)('%s is %s', (code, shown) => {
  const events = [...builder().fail(new OmgError(code, 'x'))];
  expect(events.at(-1)?.response).toMatchObject({ error: { code: shown } });
});
