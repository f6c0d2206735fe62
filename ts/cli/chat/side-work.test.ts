import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../client/index.ts';
import type { Session } from '../session.ts';
import { SideWork } from './side-work.ts';
import { initialState } from './state.ts';
import { type ChatStore, createChatStore } from './store.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'omg-chat-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function open(): { store: ChatStore; side: SideWork; shown: () => string[] } {
  const session = { config: { paths: { home } } } as unknown as Session;
  const side: SideWork = new SideWork(session, new Client([]), () => store);
  const store: ChatStore = createChatStore(initialState({ model: 'demo', columns: 100 }), (effect) => {
    side.perform(effect);
  });
  return { store, side, shown: () => store.state().entries.map(({ kind, text }) => `${kind}: ${text}`) };
}

const enter = (store: ChatStore, text: string) => {
  store.dispatch({ type: 'key', input: text, key: {}, atMs: 0 });
  store.dispatch({ type: 'key', input: '', key: { return: true }, atMs: 0 });
};

test('a history that cannot be written is told once and ends no answer', async () => {
  mkdirSync(join(home, 'history'));
  const { store, side, shown } = open();
  enter(store, 'Why?');
  await side.settled();
  expect(store.state().answer).toBeDefined();
  store.dispatch({ type: 'delta', part: 'answer', text: 'Because.' });
  store.dispatch({ type: 'answered', end: { reason: 'stop', tokens: 1, tokensPerSecond: undefined } });
  enter(store, 'And?');
  await side.settled();
  expect(shown().filter((line) => line.includes('is not remembered'))).toHaveLength(1);
  expect(store.state().messages).toHaveLength(3);
});

test('questions that follow each other at once are all in the history, in their order', async () => {
  const { store, side, shown } = open();
  for (let count = 0; count < 20; count++) enter(store, `/set top_k ${count}`);
  await side.settled();
  const lines = readFileSync(join(home, 'history'), 'utf8').trim().split('\n');
  expect(lines).toEqual(Array.from({ length: 20 }, (_, count) => JSON.stringify(`/set top_k ${count}`)));
  expect(shown().filter((line) => line.startsWith('error'))).toEqual([]);
});

test('saved conversations are listed, and what is none is passed over', async () => {
  const { store, shown } = open();
  enter(store, '/load');
  await expect.poll(shown).toContainEqual(expect.stringContaining('No conversation has been saved'));
  enter(store, '/save mine');
  await expect.poll(shown).toContainEqual(expect.stringContaining('Saved to'));
  enter(store, '/load');
  await expect.poll(shown).toContainEqual(expect.stringMatching(/NAME +MODEL +MESSAGES +SAVED\nmine +demo +0 /));
});
