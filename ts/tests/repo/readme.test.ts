import { expect, test } from 'vitest';
import { COMMANDS, commandsFor } from '../../cli/index.ts';
import { fakeDaemon } from '../contract/serve-fake.ts';
import { readRepositoryFile } from './checkout.ts';

const readme = readRepositoryFile('README.md');

/** The rows of the table under a heading line, without head and rule. */
function tableAfter(line: string): string[][] {
  const lines = readme.split('\n');
  const start = lines.findIndex((text) => text.startsWith(line));
  const end = lines.findIndex((text, index) => index > start && !text.startsWith('|'));
  return lines.slice(start + 2, end).map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

test('every command that the help lists is in the table of commands', async () => {
  const rows = tableAfter('| Command | |');
  const text = rows.map(([name = '', what = '']) => `${name} ${what}`).join('\n');
  const named = new Set(quoted(text).flatMap((code) => code.replace(/^omg /, '').split(/[ |[\\]/)[0] ?? []));
  for (const { paths } of COMMANDS) {
    const words = paths.map((path) => path.split(' ')[0] ?? '');
    const isListed = (await commandsFor(paths[0]?.split(' ') ?? [])).some(({ usage }) => usage?.category !== undefined);
    if (isListed) expect([words[0], words.some((word) => named.has(word))]).toEqual([words[0], true]);
  }
});

test('every command of the table exists', () => {
  const known = new Set(COMMANDS.flatMap(({ paths }) => paths.map((path) => path.split(' ')[0])));
  const named = tableAfter('| Command | |').map(([name = '']) => /^`omg ([a-z-]+)/.exec(name)?.[1]);
  expect(named.filter((word) => !known.has(word))).toEqual([]);
});

test('the table of routes names what the daemon serves, and nothing else', async () => {
  const { app } = await fakeDaemon();
  const served = Object.keys((await app.inject('/openapi.json')).json<{ paths: object }>().paths);
  await app.close();
  const named = tableAfter('| Routes | |')
    .flatMap(([, routes = '']) => quoted(routes))
    .filter((code) => code.startsWith('/'));
  const matches = (name: string, path: string): boolean =>
    name.endsWith('*') ? path.startsWith(name.slice(0, -1)) : path === name || path.startsWith(`${name}/`);
  expect(named.filter((name) => !served.some((path) => matches(name, path)))).toEqual([]);
  const isNamed = (path: string): boolean => named.some((name) => matches(name, path) || matches(name, `/v1${path}`));
  expect(served.filter((path) => !isNamed(path))).toEqual([]);
});
