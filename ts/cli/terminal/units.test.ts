import { expect, test } from 'vitest';
import { formatBytes, formatElapsed, formatRelative } from './units.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 KB'],
  [99_950, '100 KB'],
  [999_499, '999 KB'],
  [999_500, '1.0 MB'],
  [4_661_224_676, '4.7 GB'],
  [1.5e18, '1500 PB'],
])('%d bytes', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0ms'],
  [4200, '4.2s'],
  [59_949, '59.9s'],
  [59_960, '1m 00s'],
  [187_000, '3m 07s'],
  [7_500_000, '2h 05m'],
  [3 * 86_400_000 + 5 * 3_600_000, '3d 5h'],
])('%d ms', (ms, text) => {
  expect(formatElapsed(ms)).toBe(text);
});

const NOW = new Date('2026-06-01T12:00:00Z');

test.each([
  ['2026-06-01T12:00:00.400Z', 'now'],
  ['2026-06-01T11:59:58Z', '2 seconds ago'],
  ['2026-06-01T12:04:59Z', 'in 4 minutes'],
  ['2026-05-31T12:00:00Z', '1 day ago'],
  ['2026-05-10T12:00:00Z', '3 weeks ago'],
  ['2020-06-01T12:00:00Z', '6 years ago'],
  ['2200-01-01T00:00:00Z', 'forever'],
  ['nonsense', 'unknown'],
])('%s', (time, text) => {
  expect(formatRelative(new Date(time), NOW)).toBe(text);
});
