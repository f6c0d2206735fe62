import { expect, test } from 'vitest';
import { createLog } from './log.ts';
import { readableLine } from './readable-line.ts';

test('a line of the log says when, how grave, what and about what', () => {
  const lines: string[] = [];
  const settings = { 'log.level': 'info', 'log.debug': false } as const;
  const { log } = createLog(settings, { terminal: (line) => lines.push(line) });
  log.info({ reqId: 'req_1', method: 'POST', route: '/api/chat', status: 200, model: 'a b' }, 'request');
  log.debug({}, 'not shown');
  log.error({ err: new Error('broke') }, 'request failed');
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d info request method=POST route=\/api\/chat status=200 model="a b"\n$/);
  expect(lines[1]).toMatch(/^\d\d:\d\d:\d\d error request failed\nError: broke\n/);
  expect(lines).toHaveLength(2);
});

test('what is in a field does not drive the terminal', () => {
  expect(readableLine('{"level":30,"msg":"a\\u001b[2Jb","x":"\\u0007"}')).toBe('info a\ufffd[2Jb x=\ufffd\n');
  expect(readableLine('no JSON\n')).toBe('no JSON\n');
});
