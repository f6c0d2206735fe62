import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CargoProgress } from './cargo-progress.mjs';

let said;
let now = 0;
beforeEach(() => {
  said = '';
  now = 0;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const progress = (isTerminal) => new CargoProgress({ isTerminal, now: () => now });

test('without a terminal the bar becomes a line now and then, however its text is cut', () => {
  const log = progress(false);
  const text = [
    '   Compiling libc v0.2.0\n',
    '    Building [==>    ] 1/210: libc\r\u001b[K',
    '   Compiling candle-core v0.11.1\n',
    'warning: something to know\n',
  ].join('');
  for (const character of text) log.add(character);
  now = 20_000;
  log.add('    Building [=====> ] 120/210: candle-core\r\u001b[K    Building [=====> ] 121/2');
  now = 30_000;
  log.add('10: tokenizers\r\u001b[K    Finished `release` profile in 30s\n');
  log.end();
  expect(said).toContain('warning: something to know\n');
  expect(said).toContain('  120 of 210 parts, 20.0s\n');
  expect(said).not.toContain('121 of');
  expect(said).not.toContain('Building [');
  expect(said).not.toContain('Finished');
  expect(said).toContain('Built the engine in 30.0s');
});

test('on a terminal cargo draws its own bar', () => {
  const bar = '    Building [==>    ] 1/210: libc\r';
  const log = progress(true);
  log.add('   Compiling libc v0.2.0\n');
  log.add(bar);
  expect(said).toContain(bar);
});

test('nothing is said where nothing was built', () => {
  const log = progress(false);
  log.add('    Finished `release` profile in 0.1s\n');
  log.end();
  expect(said).toBe('');
});
