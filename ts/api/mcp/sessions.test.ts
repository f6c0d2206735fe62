import { expect, test } from 'vitest';
import type { HttpSession } from '../../mcp/index.ts';
import { McpSessions } from './sessions.ts';

const closed: string[] = [];

function fake(id: string): () => Promise<HttpSession> {
  return async () => ({
    id,
    handle: () => Promise.reject(new Error('not asked for')),
    cancel: () => {},
    close: async () => void closed.push(id),
  });
}

test('a session belongs to the one who opened it', async () => {
  const sessions = new McpSessions();
  const session = await sessions.add('me', fake('a'));
  expect(sessions.find('a', 'me')).toBe(session);
  expect(sessions.find('a', 'you')).toBeUndefined();
  sessions.delete('a');
  expect(sessions.find('a', 'me')).toBeUndefined();
  await sessions.close();
});

test('where many come the idle one that was used longest ago gives way, and none that is in use', async () => {
  let now = 0;
  const sessions = new McpSessions({ maxSessions: 2, now: () => now });
  const release = sessions.use(await sessions.add('me', fake('busy')));
  now = 1;
  await sessions.add('me', fake('idle'));
  now = 2;
  const last = await sessions.add('me', fake('new'));
  expect(closed.splice(0)).toEqual(['idle']);
  sessions.use(last);
  await expect(sessions.add('me', fake('more'))).rejects.toMatchObject({ code: 'server_busy' });
  release();
  await sessions.add('me', fake('more'));
  expect(closed.splice(0)).toEqual(['busy']);
  await sessions.close();
  expect(closed.splice(0).sort()).toEqual(['more', 'new']);
});

test('an idle session ends, one in use does not', async () => {
  let now = 0;
  const sessions = new McpSessions({ idleMs: 1000, now: () => now });
  const release = sessions.use(await sessions.add('me', fake('busy')));
  await sessions.add('me', fake('idle'));
  now = 1001;
  expect(sessions.find('idle', 'me')).toBeUndefined();
  expect(sessions.find('busy', 'me')?.id).toBe('busy');
  release();
  now = 2003;
  expect(sessions.find('busy', 'me')).toBeUndefined();
  expect(closed.splice(0)).toEqual(['idle', 'busy']);
  await sessions.close();
});
