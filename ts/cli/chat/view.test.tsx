import { cleanup, render } from 'ink-testing-library';
import { afterEach, expect, test } from 'vitest';
import { type Effect, initialState } from './state.ts';
import { createChatStore } from './store.ts';
import { ChatView } from './view.tsx';

afterEach(cleanup);

function open() {
  const effects: Effect[] = [];
  const store = createChatStore(initialState({ model: 'demo', columns: 100 }), (effect) => effects.push(effect));
  const { stdin, lastFrame } = render(<ChatView store={store} />);
  const press = async (keys: string) => {
    stdin.write(keys);
    await new Promise((resolve) => setTimeout(resolve, 30));
  };
  return { store, effects, press, frame: () => lastFrame() ?? '' };
}

test('an empty chat shows a prompt, a word of help and the model', async () => {
  const { frame } = open();
  await expect.poll(frame).toMatch(/> Ask anything, \/help for commands\n.*demo/);
});

test('keys reach the field, Enter asks, and the answer appears above the prompt', async () => {
  const { store, effects, press, frame } = open();
  await press('Hellp');
  await press('\u007f');
  await press('o');
  expect(frame()).toContain('> Hello');
  await press('\r');
  expect(effects.map(({ type }) => type)).toEqual(['remember', 'ask']);
  store.dispatch({ type: 'delta', part: 'answer', text: 'Hi there' });
  await expect.poll(frame).toMatch(/Hi there\n[^\S\n]*\n> /);
  store.dispatch({ type: 'answered', end: { reason: 'stop', tokens: 2, tokensPerSecond: 10 } });
  await expect.poll(frame).toContain('demo · 2 tokens · 10.0 tokens/s');
});

test('arrows, Alt and Ctrl keys of a terminal are understood', async () => {
  const { store, press } = open();
  await press('one two');
  await press('\u001b[D');
  await press('\u001bb');
  expect(store.state().editor).toEqual({ text: 'one two', cursor: 4 });
  await press('\u0001');
  expect(store.state().editor.cursor).toBe(0);
  await press('\u000b');
  expect(store.state().editor.text).toBe('');
  await press('a');
  await press('\u001b\r');
  await press('b');
  expect(store.state().editor.text).toBe('a\nb');
});

test('a paste of several lines stays in the field', async () => {
  const { store, effects, press } = open();
  await press('\u001b[200~one\ntwo\u001b[201~');
  expect(store.state().editor.text).toBe('one\ntwo');
  expect(effects).toEqual([]);
});

test('leaving takes the prompt away', async () => {
  const { press, frame } = open();
  await press('\u0004');
  await expect.poll(frame).not.toContain('>');
});
