import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { environmentAddress } from './load.ts';
import { environmentWith, findProgram } from './program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'omg-program-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(process.platform === 'win32')(
  'the first program of the name on the PATH is found, and nothing that is none',
  () => {
    const [empty, first, second] = ['empty', 'first', 'second'].map((name) => join(folder, name));
    for (const path of [empty, first, second]) mkdirSync(path ?? '');
    mkdirSync(join(empty ?? '', 'tool'));
    for (const path of [first, second]) {
      writeFileSync(join(path ?? '', 'tool'), '');
      chmodSync(join(path ?? '', 'tool'), 0o755);
    }
    writeFileSync(join(empty ?? '', 'data'), '');
    const env = { PATH: [empty, '', join(folder, 'nowhere'), first, second].join(delimiter) };
    expect(findProgram('tool', env)).toBe(join(first ?? '', 'tool'));
    expect([findProgram('data', env), findProgram('other', env), findProgram('tool', {})]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  },
);

test('a program gets everything, and what is added wins', () => {
  expect(environmentWith({ B: '2' }, { A: '1', B: '1', C: undefined })).toEqual({ A: '1', B: '2' });
});

test.each([
  [{}, 'http://127.0.0.1:10692'],
  [{ OMG_PORT: '99' }, 'http://127.0.0.1:99'],
  [{ OMG_HOST: 'box:1234' }, 'http://box:1234'],
  [{ OMG_HOST: 'https://box.test:443' }, 'https://box.test:443'],
  [{ OMG_HOST: '0.0.0.0' }, 'http://127.0.0.1:10692'],
  [{ OMG_HOST: '[::1]:5' }, 'http://[::1]:5'],
  [{ OMG_PORT: 'nonsense' }, 'http://127.0.0.1:10692'],
])('with %j clients look at %s', (env, url) => {
  expect(environmentAddress({ ...env, OMG_API_KEY: '' })).toEqual({ url, apiKey: '' });
});
