import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import type { Grammar } from '../inference/index.ts';
import type { GrammarTrialsOptions } from './grammar-trials.ts';
import { RunnerEngine } from './runner-engine.ts';

const FAKE = fileURLToPath(new URL('./fixtures/fake-addon.cjs', import.meta.url));

function engineOf(grammars: Omit<GrammarTrialsOptions, 'start'> = {}): RunnerEngine {
  const engine = new RunnerEngine({ addonFile: FAKE, grammars });
  onTestFinished(() => engine.close());
  return engine;
}

/** Not plain by its length; the fake compiler goes by how it begins. */
function grammar(what: string): Grammar {
  return { kind: 'regex', pattern: what.padEnd(300, '.') };
}

async function errorOf(promise: Promise<unknown>): Promise<OmgError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OmgError);
  return error as OmgError;
}

test('a verdict is remembered, and plain grammars need none', async () => {
  const engine = engineOf();
  const first = await errorOf(engine.checkGrammar(grammar('wrong')));
  expect(first).toMatchObject({ code: 'invalid_request', message: expect.stringContaining(', 1)') });
  const after = { opener: '<tool_call>' };
  const again = await errorOf(engine.checkGrammar({ ...grammar('wrong'), after }));
  expect(again.message).toBe(first.message);
  for (let round = 0; round < 3; round++) await engine.checkGrammar(grammar('right'));
  // The fake's only crash would be heard.
  await engine.checkGrammar({ kind: 'regex', pattern: 'crash' });
  const other = await errorOf(engine.checkGrammar(grammar('wrong once more')));
  expect(other.message).toContain(', 3)');
});

test('time, memory and crashes end a process and no more', async () => {
  const engine = engineOf({ cpuMs: 300, wallMs: 60_000, memoryBytes: 64 * 2 ** 20 });
  for (const [what, message] of [
    ['long', /too much time/],
    ['large', /too much memory/],
    ['crash', /the compiler failed/],
  ] as const) {
    const error = await errorOf(engine.checkGrammar(grammar(what)));
    expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(message) });
    // From memory: it would take a minute.
    expect((await errorOf(engine.checkGrammar(grammar(what)))).message).toBe(error.message);
    await engine.checkGrammar(grammar(`right after ${what}`));
  }
});

test('a machine that is busy is no fault of the grammar', async () => {
  const engine = engineOf({ cpuMs: 60_000, wallMs: 300 });
  for (let round = 0; round < 2; round++) {
    expect(await errorOf(engine.checkGrammar(grammar('idle')))).toMatchObject({ code: 'server_busy' });
  }
  await engine.checkGrammar(grammar('right'));
});

test('who leaves ends the trial, and those behind it go on', async () => {
  const engine = engineOf({ cpuMs: 120_000, wallMs: 120_000 });
  const first = new AbortController();
  const second = new AbortController();
  const trials = [
    engine.checkGrammar(grammar('long'), first.signal),
    engine.checkGrammar(grammar('long 2'), second.signal),
  ];
  const errors = Promise.all(trials.map(errorOf));
  const behind = engine.checkGrammar(grammar('right'));
  first.abort();
  second.abort();
  for (const error of await errors) expect(error.code).toBe('cancelled');
  await behind;
  const gone = new AbortController();
  gone.abort();
  expect((await errorOf(engine.checkGrammar(grammar('right, gone'), gone.signal))).code).toBe('cancelled');
});

test('closing waits for no compiler', async () => {
  const engine = engineOf({ cpuMs: 120_000, wallMs: 120_000 });
  const errors = Promise.all([grammar('long'), grammar('long 2')].map((one) => errorOf(engine.checkGrammar(one))));
  await new Promise((resolve) => setTimeout(resolve, 200));
  await engine.close();
  for (const error of await errors) expect(error.code).toBe('shutting_down');
});

test('the line is bounded, and a grammar that cannot be written down is refused', async () => {
  const engine = engineOf({ cpuMs: 120_000, wallMs: 120_000 });
  const waiting = Array.from({ length: 70 }, (_, i) => errorOf(engine.checkGrammar(grammar(`idle ${i}`))));
  const busy = await Promise.race(waiting);
  expect(busy.code).toBe('server_busy');
  let deep: unknown = {};
  for (let level = 0; level < 100_000; level++) deep = { items: deep };
  const huge = { enum: ['x'.repeat(1 << 20)] };
  for (const schema of [deep, huge]) {
    expect((await errorOf(engine.checkGrammar({ kind: 'json_schema', schema }))).code).toBe('invalid_request');
  }
  await engine.close();
  expect((await Promise.all(waiting)).some(({ code }) => code === 'shutting_down')).toBe(true);
});
