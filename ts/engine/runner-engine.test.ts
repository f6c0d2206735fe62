import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import { type GenerateEvent, type GenerateRequest, keepText, type LoadedModel, lastEvent } from '../inference/index.ts';
import { BATCHES_AHEAD } from './runner/protocol.ts';
import { RunnerEngine, type RunnerEngineOptions } from './runner-engine.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const FAKE = fixture('fake-addon.cjs');

function engineOf(options: RunnerEngineOptions = {}): RunnerEngine {
  const engine = new RunnerEngine({ addonFile: FAKE, ...options });
  onTestFinished(() => engine.close());
  return engine;
}

function request(rest: Partial<GenerateRequest> = {}): GenerateRequest {
  return { prompt: [{ kind: 'text', text: 'abc', parseSpecial: false }], sampling: {}, stop: [], ...rest };
}

async function collect(events: AsyncIterable<GenerateEvent>): Promise<GenerateEvent[]> {
  const all: GenerateEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

async function errorOf(promise: Promise<unknown>): Promise<OmgError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OmgError);
  return error as OmgError;
}

interface FakeState {
  /** Texts. */
  read: number;
  started: number;
  batches: number;
  cancelled: number;
}

async function stateOf(model: LoadedModel): Promise<FakeState> {
  return JSON.parse(await model.detokenize([])) as FakeState;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let round = 0; round < 500; round++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('waited in vain');
}

test('a model in its own process answers, tokenises and unloads', async () => {
  const engine = engineOf();
  const progress: number[] = [];
  const model = await engine.load(
    { path: 'm', contextLength: 32 },
    { onProgress: (fraction) => progress.push(fraction) },
  );
  expect(model.info.contextLength).toBe(32);
  expect(model.pid).not.toBe(process.pid);
  expect(progress).toEqual([0.5, 1]);
  const events = await collect(model.run('generate', request({ maxTokens: 3 })));
  expect(events.map((event) => (event.type === 'text' ? event.text : event.type))).toEqual([
    'start',
    't1 ',
    't2 ',
    't3 ',
    'end',
  ]);
  expect(await model.tokenize([{ kind: 'text', text: 'hi', parseSpecial: true }])).toEqual([104, 105]);
  expect(await model.tokenize([{ kind: 'text', text: 'a\ud83d', parseSpecial: false }])).toEqual([97, 0xfffd]);
  await model.unload();
  expect(await model.gone).toEqual({ reason: 'unloaded' });
  expect(alive(model.pid ?? 0)).toBe(false);
});

test('bytes cross both ways as they are, and work that answers once ends', async () => {
  const model = await engineOf().load({ path: 'm' });
  const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => 255 - index);
  const texts = [[{ kind: 'text' as const, text: 'ab', parseSpecial: false }]];
  const events = model.run('embed', { texts, attachments: [bytes(300), Buffer.from([7, 0])] });
  expect(await lastEvent(events)).toEqual({
    type: 'end',
    dimensions: 302,
    vectors: Float32Array.from([...bytes(300), 7, 0]),
    texts: [{ promptTokens: 2, truncated: false }],
  });
  expect((await lastEvent(model.run('embed', { texts }))).vectors).toEqual(new Float32Array(0));
});

test('a request arrives as it was written, but for halves of characters', async () => {
  const model = await engineOf().load({ path: 'm' });
  const arrived = async (query: unknown) => {
    const work = model.run('score', { query: query as string, documents: [] });
    return JSON.parse((await errorOf(lastEvent(work))).message, (_, value, context?: { source?: string }) =>
      typeof value === 'number' ? context?.source : value,
    );
  };
  const as = (query: unknown) => ({ kind: 'score', request: { query, documents: [] } });
  expect(await arrived('a\ud83d b\u{1f600} \\ud83d')).toEqual(as('a\ufffd b\u{1f600} \\ud83d'));
  expect(await arrived(JSON.rawJSON('12345678901234567890'))).toEqual(as('12345678901234567890'));
  expect(await arrived({ high: JSON.rawJSON('1e400'), text: '\udc00' })).toEqual(as({ high: '1e400', text: '\ufffd' }));
});

test('the keys of a schema arrive in their order', async () => {
  const model = await engineOf().load({ path: 'm' });
  const text = '{"b":{},"10":{},"9":{}}';
  const properties = JSON.parse(text) as object;
  keepText(properties, text);
  // The fake shows what arrived of this kind of work.
  const asked = { query: '', documents: [], grammar: { kind: 'json_schema', schema: { properties } } };
  expect((await errorOf(lastEvent(model.run('score', asked)))).message).toContain(text);
});

test('work that answers once can be cancelled on its way, and is not begun for a caller who has left', async () => {
  const model = await engineOf().load({ path: 'm' });
  const abort = new AbortController();
  const texts = [[{ kind: 'text' as const, text: 'slow', parseSpecial: false }]];
  const left = errorOf(lastEvent(model.run('embed', { texts }, abort.signal)));
  await until(async () => (await stateOf(model)).started === 1);
  abort.abort();
  expect((await left).code).toBe('cancelled');
  expect((await errorOf(lastEvent(model.run('embed', { texts }, abort.signal)))).code).toBe('cancelled');
  expect(await stateOf(model)).toMatchObject({ started: 1, cancelled: 1 });
});

test('a long text waits for its turn and short ones do not; one whose caller has left is never read', async () => {
  const model = await engineOf().load({ path: 'm' });
  const long = (text: string) => [{ kind: 'text' as const, text: text.padEnd(100_000), parseSpecial: false }];
  const held = [1, 2].map(() => model.tokenize(long('held')));
  await until(async () => (await stateOf(model)).read === 2);
  const callers = [1, 2, 3].map(() => new AbortController());
  const left = callers.map(({ signal }) => errorOf(model.tokenize(long('left'), signal)));
  const stays = model.tokenize(long('stays'));
  expect(await model.tokenize([{ kind: 'text', text: 'hi', parseSpecial: false }])).toEqual([104, 105]);
  for (const caller of callers) caller.abort();
  for (const error of left) expect((await error).code).toBe('cancelled');
  expect((await errorOf(model.tokenize(long('left'), callers[0]?.signal))).code).toBe('cancelled');
  expect((await stateOf(model)).read).toBe(3);
  await model.detokenize([1]);
  for (const tokens of await Promise.all([...held, stays])) expect(tokens).toHaveLength(100_000);
  expect((await stateOf(model)).read).toBe(4);
  await model.unload();
});

test('devices, headers and plans come from one short-lived process', async () => {
  const engine = engineOf({ probeIdleMs: 50 });
  expect(await engine.devices()).toMatchObject([{ id: 'cpu', features: ['avx2'] }]);
  const first = await engine.inspect('a');
  const second = await engine.inspect('b');
  expect(second.metadata.pid).toBe(first.metadata.pid);
  expect(await engine.plan({ path: 'a', contextLength: 7 })).toMatchObject({ contextLength: 7 });
  await until(() => !alive(first.metadata.pid as number));
});

test('errors keep their code, hint and detail across the processes', async () => {
  const engine = engineOf();
  expect((await errorOf(engine.inspect('broken'))).toData()).toEqual({
    code: 'invalid_model_file',
    message: 'not a model',
    hint: 'Get another.',
    detail: { offset: 4 },
  });
  expect((await errorOf(engine.load({ path: 'broken' }))).code).toBe('unsupported_architecture');
  const model = await engine.load({ path: 'm' });
  expect((await errorOf(collect(model.run('generate', request({ maxTokens: -1 }))))).code).toBe('invalid_request');
});

test('a file that crashes or hangs the reader fails alone', async () => {
  const engine = engineOf({ probeTimeoutMs: 8000 });
  const [crash, fine, hang] = await Promise.allSettled([
    engine.inspect('crash'),
    engine.inspect('fine'),
    engine.inspect('hang'),
  ]);
  expect(crash).toMatchObject({ status: 'rejected', reason: { code: 'runner_crashed' } });
  expect(fine.status).toBe('fulfilled');
  expect(hang).toMatchObject({ status: 'rejected', reason: { code: 'model_load_failed' } });
});

test('killing the runner in the middle of an answer ends its requests with a typed error', async () => {
  const model = await engineOf().load({ path: 'm' });
  const other = errorOf(collect(model.run('generate', request({ maxTokens: 1_000_000 }))));
  const seen: string[] = [];
  const error = await errorOf(
    (async () => {
      for await (const event of model.run('generate', request({ stop: ['die'], maxTokens: 100 })))
        seen.push(event.type);
    })(),
  );
  expect(error.code).toBe('runner_crashed');
  expect(error.detail).toMatchObject({ signal: 'SIGKILL' });
  expect(seen).toEqual(['start', 'text', 'text']);
  expect((await other).code).toBe('runner_crashed');
  expect(await model.gone).toMatchObject({ reason: 'crashed' });
  expect((await errorOf(collect(model.run('generate', request())))).code).toBe('runner_crashed');
});

test('a load that crashes says what the process wrote last', async () => {
  const lines: string[] = [];
  const error = await errorOf(engineOf({ onStderr: (line) => lines.push(line) }).load({ path: 'crash' }));
  expect(error.code).toBe('model_load_failed');
  expect(error.detail?.stderr).toContain('GGML_ASSERT: no luck');
  expect(lines).toContain('about to fail');
});

test('aborting a load ends its process', async () => {
  const engine = engineOf();
  await engine.version();
  const abort = new AbortController();
  let started = false;
  const load = errorOf(engine.load({ path: 'slow' }, { signal: abort.signal, onProgress: () => (started = true) }));
  await until(() => started);
  abort.abort();
  expect((await load).code).toBe('cancelled');
});

test('leaving the loop early and aborting both cancel in the engine', async () => {
  const model = await engineOf().load({ path: 'm' });
  for await (const event of model.run('generate', request({ maxTokens: 1_000_000 }))) if (event.type === 'text') break;
  await until(async () => (await stateOf(model)).cancelled === 1);

  const abort = new AbortController();
  const events: GenerateEvent[] = [];
  for await (const event of model.run('generate', request({ maxTokens: 1_000_000 }), abort.signal)) {
    events.push(event);
    if (event.type === 'text') abort.abort();
  }
  expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'cancelled' });
  expect((await stateOf(model)).cancelled).toBe(2);
});

test('a slow reader holds the engine back', async () => {
  const model = await engineOf().load({ path: 'fast' });
  let read = 0;
  for await (const _ of model.run('generate', request({ maxTokens: 1_000_000 }))) {
    read += 1;
    if (read === 3) break;
    await new Promise((resolve) => setTimeout(resolve, 60));
    // One batch is in the reader's hands, one more may be in the making.
    expect((await stateOf(model)).batches).toBeLessThanOrEqual(read + BATCHES_AHEAD + 1);
  }
});

test('unloading waits for the answers under way', async () => {
  const model = await engineOf().load({ path: 'm' });
  const answer = collect(model.run('generate', request({ maxTokens: 20 })));
  await until(async () => (await stateOf(model)).batches > 2);
  await model.unload();
  expect((await answer).at(-1)).toMatchObject({ type: 'end', reason: 'length' });
});

test('no runner outlives a daemon that is killed', async () => {
  const daemon = spawn(process.execPath, [fixture('daemon-that-dies.ts'), FAKE], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(daemon.stdout, 'data')) as [Buffer];
  const runner = Number(line.toString());
  expect(alive(runner)).toBe(true);
  daemon.kill('SIGKILL');
  await once(daemon, 'exit');
  await until(() => !alive(runner));
});

test('an addon that is missing or ends its process is not trusted, and the message says what to do', async () => {
  for (const addonFile of [fixture('nothing-here.node'), fixture('crashing-addon.cjs')]) {
    const error = await errorOf(engineOf({ addonFile }).load({ path: 'm' }));
    expect(error.code).toBe('addon_unavailable');
    expect(error.hint).toMatch(/npm/);
  }
});

test('runners get no secrets', async () => {
  const secrets = {
    HF_TOKEN: 'hf_secret',
    HTTPS_PROXY: 'http://user:pass@proxy.invalid',
    GH_PAT: 'pat',
    DB_PASS: 'pass',
    // Loaded into every Node that sees it.
    NODE_OPTIONS: '--title=injected',
  };
  const engine = engineOf({ environment: { ...process.env, ...secrets } });
  const { environment } = (await engine.inspect('m')).metadata;
  expect(environment).toContain('PATH');
  for (const name of Object.keys(secrets)) expect(environment).not.toContain(name);
});
