import { afterEach, expect, test, vi } from 'vitest';
import { styleOf } from '../terminal/style.ts';
import { readableLogLine } from './logs.ts';

afterEach(() => vi.unstubAllEnvs());

test('times are those of the person who reads', () => {
  vi.stubEnv('TZ', 'Asia/Tokyo');
  const line = readableLogLine('{"level":30,"time":"2026-03-01T20:30:01.042Z","msg":"answered"}', styleOf(false));
  expect(line).toBe('2026-03-02 05:30:01.042 info  answered');
});
