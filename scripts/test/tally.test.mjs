import { expect, test } from 'vitest';
import { planOf } from './plan.mjs';
import { countCargoTests } from './rust.mjs';
import { Tally } from './tally.mjs';

test('adds up what every cargo test binary reports', () => {
  const output = [
    'running 2 tests',
    'test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s',
    'test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s',
  ].join('\n');
  expect(countCargoTests(output)).toEqual({ passed: 5, failed: 1 });
});

test('a failure is never summed up as none', () => {
  const tally = new Tally();
  tally.tests('does not compile', { passed: 0, failed: 0, code: 101 });
  tally.tests('fails', { passed: 4, failed: 2, code: 1 });
  tally.tests('passes', { passed: 3, failed: 0, code: 0 });
  tally.check('lints', 1);
  tally.check('format', 0);
  expect(tally).toMatchObject({ passed: 7, failed: 4, failedSteps: ['does not compile', 'fails', 'lints'] });
});

test('arguments choose a part', () => {
  expect(planOf([])).toMatchObject({ rust: true, typescript: true });
  expect(planOf(['rust'])).toMatchObject({ rust: true, typescript: false });
  expect(planOf(['ts'])).toMatchObject({ rust: false, typescript: true, filters: [] });
  expect(planOf(['omg-format'])).toMatchObject({ rust: true, typescript: false, crate: 'omg-format' });
  expect(planOf(['ts/cli'])).toMatchObject({ rust: false, typescript: true, filters: ['ts/cli'] });
});
