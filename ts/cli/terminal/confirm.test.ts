import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { confirm } from './confirm.ts';

async function reply(typed: string, fallback?: 'yes' | 'no'): Promise<{ agreed: boolean; shown: string }> {
  const stdin = new PassThrough();
  const stderr = new PassThrough();
  const asked = confirm({ stdin, stderr }, 'Start?', fallback);
  stdin.end(typed);
  const agreed = await asked;
  return { agreed, shown: String(stderr.read()) };
}

test.each([
  ['y\n', 'no', true],
  [' Yes \n', 'no', true],
  ['\n', 'no', false],
  ['\n', 'yes', true],
  ['n\n', 'yes', false],
  ['maybe\n', 'yes', false],
  ['', 'yes', false],
] as const)('%j with %s as the default is %s', async (typed, fallback, expected) => {
  const { agreed, shown } = await reply(typed, fallback);
  expect(agreed).toBe(expected);
  expect(shown).toContain(fallback === 'yes' ? 'Start? [Y/n] ' : 'Start? [y/N] ');
});
