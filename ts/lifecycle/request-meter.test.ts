import { expect, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import { ManualClock } from './clock.ts';
import { RequestMeter } from './request-meter.ts';

const TIMINGS = { queueMs: 0, prefillMs: 0, decodeMs: 0 };

test('a request that ends is measured from its arrival, and its own count of tokens holds', async () => {
  const clock = new ManualClock();
  const meter = new RequestMeter('m:latest', clock);
  await clock.advance(30);
  meter.see({ type: 'start', promptTokens: 7, cachedTokens: 2 });
  await clock.advance(10);
  meter.see({ type: 'text', text: 'a', tokens: 1 });
  await clock.advance(60);
  meter.see({
    type: 'end',
    reason: 'stop',
    usage: { promptTokens: 7, cachedTokens: 2, completionTokens: 3 },
    timings: TIMINGS,
  });
  expect(meter.record()).toEqual({
    model: 'm:latest',
    mode: 'completion',
    outcome: 'ok',
    promptTokens: 7,
    completionTokens: 3,
    durationMs: 100,
    firstTokenMs: 40,
  });
});

test('who leaves early has cancelled, with the tokens so far; what fails has its code', () => {
  const meter = new RequestMeter('m:latest', new ManualClock());
  meter.see({ type: 'content', text: 'ab', tokens: 2 });
  expect(meter.record()).toMatchObject({ outcome: 'cancelled', completionTokens: 2 });
  meter.fail(new OmgError('runner_crashed', 'gone'));
  expect(meter.record().outcome).toBe('runner_crashed');
});
