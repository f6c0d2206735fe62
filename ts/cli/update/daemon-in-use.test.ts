import { expect, test } from 'vitest';
import type { Client } from '../../client/index.ts';
import { waitUntilIdle } from './daemon-in-use.ts';

/** A daemon that is asked, and answers with one entry of the list each time; the last one stays. */
function daemon(states: { active?: number; queued?: number; downloading?: string[] }[]): {
  client: Client;
  asked: () => number;
} {
  let asked = 0;
  let current = states[0];
  const client = {
    list: async () => {
      current = states[Math.min(asked++, states.length - 1)];
      return [{ runtime: { active_requests: current?.active ?? 0, queued_requests: current?.queued ?? 0 } }, {}];
    },
    status: async () => ({ models: { downloading: current?.downloading ?? [] } }),
  };
  return { client: client as unknown as Client, asked: () => asked };
}

const signal = new AbortController().signal;

test('a daemon that answers requests is waited for, and that is said once', async () => {
  const { client, asked } = daemon([{ active: 2 }, { queued: 1 }, { downloading: ['a/b'] }, {}]);
  const said: string[] = [];
  await waitUntilIdle(client, { waitMs: 60_000, signal, onWait: (what) => said.push(what) });
  expect(asked()).toBe(4);
  expect(said).toEqual(['answers 2 requests']);
});

test('without patience it is refused, with what the daemon does', async () => {
  const wait = (state: object) => waitUntilIdle(daemon([state]).client, { waitMs: 0, signal, onWait: () => {} });
  await expect(wait({ active: 1 })).rejects.toMatchObject({
    code: 'conflict',
    message: 'The daemon answers 1 request.',
  });
  await expect(wait({ downloading: ['a/b'] })).rejects.toMatchObject({ message: 'The daemon downloads a/b.' });
  await expect(wait({})).resolves.toBeUndefined();
});

test('Ctrl-C ends the wait', async () => {
  const stop = new AbortController();
  const waiting = waitUntilIdle(daemon([{ active: 1 }]).client, {
    waitMs: 60_000,
    signal: stop.signal,
    onWait: () => stop.abort(),
  });
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
});
