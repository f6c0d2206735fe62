import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../config/index.ts';
import { type Daemon, startDaemon } from '../../daemon/index.ts';
import { DEMO_FILE } from './omg.ts';

// The real engine and the bundled model behind the real HTTP side, driven by Ollama's own client.

let home: string;
let daemon: Daemon;
let ollama: Ollama;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'omg-e2e-'));
  const env = { OMG_HOME: home, OMG_PORT: '0', HF_ENDPOINT: 'http://127.0.0.1:9' };
  const reload = (): Promise<Config> => loadConfig({ env, cwd: home });
  daemon = await startDaemon({ config: await reload(), reload, foreground: false });
  ollama = new Ollama({ host: daemon.endpoint.url });
});
afterAll(async () => {
  await daemon.stop();
  rmSync(home, { recursive: true, force: true });
});

const greedy = { temperature: 0, num_predict: 60 };
const ask = async (model: string): Promise<string> => {
  const messages = [{ role: 'user', content: 'What is the capital of France?' }];
  return (await ollama.chat({ model, messages, options: greedy })).message.content;
};

test('a model of an uploaded GGUF answers as the file does', async () => {
  const bytes = readFileSync(DEMO_FILE);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const upload = await fetch(`${daemon.endpoint.url}/api/blobs/${digest}`, {
    method: 'POST',
    body: new Uint8Array(bytes),
  });
  expect(upload.status).toBe(201);
  const created = await fetch(`${daemon.endpoint.url}/api/create`, {
    method: 'POST',
    body: JSON.stringify({ model: 'uploaded', files: { 'demo.gguf': digest }, stream: false }),
  });
  expect(await created.json()).toEqual({ status: 'success' });
  expect(await ask('uploaded')).toBe(await ask('demo'));
  expect(await ask('uploaded')).toContain('Paris');
});

test('bytes that are no model are refused by the engine and leave nothing', async () => {
  const digest = `sha256:${createHash('sha256').update('GGUF but not really').digest('hex')}`;
  await fetch(`${daemon.endpoint.url}/api/blobs/${digest}`, { method: 'POST', body: 'GGUF but not really' });
  const created = await fetch(`${daemon.endpoint.url}/api/create`, {
    method: 'POST',
    body: JSON.stringify({ model: 'nonsense', files: { 'demo.gguf': digest }, stream: false }),
  });
  expect(await created.json()).toMatchObject({ code: 'invalid_model_file' });
  expect((await ollama.list()).models.map(({ name }) => name)).not.toContain('nonsense:latest');
});

test('weights written anew answer as before, and smaller ones are smaller', async () => {
  const lines: string[] = [];
  for await (const line of await ollama.create({ model: 'floats', from: 'demo', quantize: 'f32', stream: true })) {
    if (lines.at(-1) !== line.status) lines.push(line.status);
  }
  expect(lines).toEqual(['quantizing Q8_0 model to F32', 'verifying conversion', 'writing manifest', 'success']);
  await ollama.create({ model: 'eight', from: 'floats', quantize: 'q8_0' });
  expect(await ask('eight')).toBe(await ask('demo'));
  await ollama.create({ model: 'four', from: 'floats', quantize: 'q4_K_M' });
  const { models } = await ollama.list();
  const size = (name: string) => models.find((model) => model.name === `${name}:latest`)?.size ?? 0;
  expect(size('four')).toBeLessThan(size('eight'));
  expect((await ollama.show({ model: 'four' })).details.quantization_level).toBe('Q4_K_M');
  expect(await ask('four')).toMatch(/\w/);
  await expect(ollama.create({ model: 'five', from: 'four', quantize: 'q5_0' })).rejects.toThrow('quantised already');
  await expect(ollama.create({ model: 'five', from: 'floats', quantize: 'best' })).rejects.toThrow('best');
  for (const model of ['floats', 'eight', 'four']) await ollama.delete({ model });
});

test('an answer slides past its window where that is asked for', async () => {
  const messages = [{ role: 'user', content: 'What is the capital of France?' }];
  const ask = async (options: object, shift: boolean) => {
    const body = { model: 'demo', messages, stream: false, shift, options: { temperature: 0, ...options } };
    const reply = await fetch(`${daemon.endpoint.url}/api/chat`, { method: 'POST', body: JSON.stringify(body) });
    return (await reply.json()) as { prompt_eval_count: number; eval_count: number; done_reason: string };
  };
  const free = await ask({}, false);
  expect([free.done_reason, free.eval_count > 4]).toEqual(['stop', true]);
  await ollama.generate({ model: 'demo', prompt: '', keep_alive: 0 });
  const num_ctx = free.prompt_eval_count + 3;
  const plain = await ask({ num_ctx }, false);
  expect([plain.done_reason, plain.eval_count]).toEqual(['length', 3]);
  const slid = await ask({ num_ctx, num_predict: 40 }, true);
  expect(slid.eval_count).toBeGreaterThan(3);
  expect(slid.prompt_eval_count).toBe(free.prompt_eval_count);
});

test('what a created model says of its own reaches the prompt and the sampler', async () => {
  const messages = [
    { role: 'user', content: 'What is the capital of France?' },
    { role: 'assistant', content: 'Paris.' },
  ];
  await ollama.create({
    model: 'mine',
    from: 'demo',
    system: 'Be brief.',
    messages,
    parameters: { num_predict: 1, num_ctx: 256 },
  });
  const reply = await ollama.chat({ model: 'mine', messages: [{ role: 'user', content: 'Hello!' }] });
  expect([reply.eval_count, reply.done_reason]).toEqual([1, 'length']);
  const plain = await ollama.chat({
    model: 'demo',
    messages: [{ role: 'user', content: 'Hello!' }],
    options: { num_predict: 1 },
  });
  expect(reply.prompt_eval_count).toBeGreaterThan(plain.prompt_eval_count + 10);
  const shown = await ollama.show({ model: 'mine' });
  expect(shown.modelfile).toContain('SYSTEM "Be brief."');
  expect(shown.modelfile).toContain('PARAMETER num_ctx 256');
  await ollama.delete({ model: 'mine' });
  await expect(ollama.show({ model: 'mine' })).rejects.toThrow("model 'mine' not found");
});
