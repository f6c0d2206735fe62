import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateText, Output, streamText } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createOhMyGpu, type OhMyGpuProvider } from '../../ai-sdk/index.ts';
import { Installation, ROOT } from './omg.ts';

// What the package exports, as others import it, with the real engine and the bundled model.

let omg: Installation;
beforeAll(async () => {
  omg = await Installation.create();
  await omg.omg('serve', '-d');
});
afterAll(() => omg.dispose());

describe('the package', () => {
  // Inside the checkout its own name leads to its exports, as it would in node_modules; not in `dist`, which other tests pack.
  const builds = join(ROOT, 'target');
  mkdirSync(builds, { recursive: true });
  const folder = mkdtempSync(join(builds, 'consumer-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('gives a client of the daemon', async () => {
    const script = join(folder, 'client.mjs');
    writeFileSync(
      script,
      `import { connect, OmgError } from 'ohmygpu';
       const client = await connect({ url: process.argv[2] });
       let text = '';
       const messages = [{ role: 'user', content: 'What is the capital of France?' }];
       for await (const piece of client.chat({ model: 'demo', messages, temperature: 0 })) if (piece.type === 'content') text += piece.text;
       const error = await client.model('nope').catch((thrown) => thrown);
       console.log(JSON.stringify({ text, code: error instanceof OmgError && error.code }));`,
    );
    const { exitCode, stdout, stderr } = await omg.run([script, omg.url]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ text: expect.stringContaining('Paris'), code: 'model_not_found' });
  });

  test('gives a provider that finds the daemon by the environment', async () => {
    const script = join(folder, 'provider.mjs');
    writeFileSync(
      script,
      `import { generateText } from 'ai';
       import { ohmygpu } from 'ohmygpu/ai-sdk';
       const { text } = await generateText({ model: ohmygpu('demo'), prompt: 'What is the capital of France?', temperature: 0 });
       console.log(text);`,
    );
    const { exitCode, stdout } = await omg.run([script]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('Paris') });
  });

  test('declares the types of both', async () => {
    const source = join(folder, 'consumer.ts');
    writeFileSync(
      source,
      `import { type ChatPiece, type Client, connect } from 'ohmygpu';
       import { createOhMyGpu } from 'ohmygpu/ai-sdk';
       const client: Client = await connect({ url: 'http://127.0.0.1:10692' });
       const names: string[] = (await client.list()).map(({ name }) => name);
       for await (const piece of client.chat({ model: names[0] ?? '', messages: [] })) { const seen: ChatPiece = piece; void seen; }
       createOhMyGpu({ apiKey: 'k' }).languageModel('demo');
       // @ts-expect-error the declarations are more than any
       client.nothing();
       // @ts-expect-error so is the provider
       createOhMyGpu({ key: 'k' });`,
    );
    const config = {
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: 'nodenext',
        target: 'es2024',
        types: ['node'],
        skipLibCheck: true,
      },
      files: [source],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const { exitCode, stdout } = await omg.run([join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  });
});

describe('the AI SDK over the provider', () => {
  let ohmygpu: OhMyGpuProvider;
  beforeAll(() => {
    ohmygpu = createOhMyGpu({ baseURL: `${omg.url}/v1` });
  });
  const prompt = 'What is the capital of France?';

  test('generateText gives the answer and what it took', async () => {
    const { text, usage, finishReason } = await generateText({ model: ohmygpu('demo'), prompt, temperature: 0 });
    expect(text).toContain('Paris');
    expect(finishReason).toBe('stop');
    expect(usage.inputTokens).toBeGreaterThan(0);
    expect(usage.outputTokens).toBeGreaterThan(0);
  });

  test('streamText gives the same in pieces, and what it took', async () => {
    const result = streamText({ model: ohmygpu('demo'), prompt, temperature: 0 });
    const pieces: string[] = [];
    for await (const piece of result.textStream) pieces.push(piece);
    expect(pieces.join('')).toContain('Paris');
    expect((await result.usage).outputTokens).toBeGreaterThan(0);
  });

  test('an object that a schema describes', async () => {
    const schema = z.object({ city: z.enum(['Paris', 'Rome']) });
    const { output } = await generateText({
      model: ohmygpu('demo'),
      prompt,
      temperature: 0,
      output: Output.object({ schema }),
    });
    expect(output).toEqual({ city: 'Paris' });
  });

  test('an aborted stream ends what the model does', async () => {
    const controller = new AbortController();
    const { textStream } = streamText({
      model: ohmygpu('demo'),
      prompt: 'Hello!',
      temperature: 2,
      maxOutputTokens: 100_000,
      abortSignal: controller.signal,
      onError: () => {},
    });
    for await (const _ of textStream) controller.abort();
    const active = async (): Promise<number> =>
      ((await omg.json('ps')) as { runtime?: { active_requests: number } }[])[0]?.runtime?.active_requests ?? 0;
    await expect.poll(active).toBe(0);
  });

  test('a model that is not there is an error with its status', async () => {
    await expect(generateText({ model: ohmygpu('nope'), prompt, maxRetries: 0 })).rejects.toMatchObject({
      statusCode: 404,
    });
  });
});
