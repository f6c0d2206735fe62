import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Installation, ROOT } from './omg.ts';

// MCP clients with the built program, the real engine and the bundled model. No daemon runs at the start.

let omg: Installation;
beforeAll(async () => {
  omg = await Installation.create();
});
afterAll(() => omg.dispose());

const TRANSPORTS: [string, () => StdioClientTransport | StreamableHTTPClientTransport][] = [
  [
    'omg mcp, which starts the daemon',
    () =>
      new StdioClientTransport({
        command: process.execPath,
        args: [join(ROOT, 'scripts', 'bin', 'omg.mjs'), 'mcp'],
        env: { PATH: process.env.PATH ?? '', OMG_HOME: omg.home, OMG_PORT: String(omg.port) },
        stderr: 'ignore',
      }),
  ],
  ['Streamable HTTP', () => new StreamableHTTPClientTransport(new URL(`${omg.url}/mcp`))],
];

describe.each(TRANSPORTS)('MCP over %s', (_name, transport) => {
  const client = new Client({ name: 'e2e', version: '1' });
  beforeAll(() => client.connect(transport()));
  afterAll(() => client.close());

  test('a tool call is answered by the model', async () => {
    const progress: number[] = [];
    const result = await client.callTool(
      { name: 'chat', arguments: { model: 'demo', prompt: 'What is the capital of France?', temperature: 0 } },
      undefined,
      { onprogress: (update) => void progress.push(update.progress) },
    );
    expect(result.structuredContent).toMatchObject({
      content: expect.stringContaining('Paris'),
      finish_reason: 'stop',
    });
    expect(progress.length).toBeGreaterThan(0);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });

  test('an answer follows the schema that is asked for', async () => {
    const schema = {
      type: 'object',
      properties: { city: { enum: ['Paris', 'Rome'] } },
      required: ['city'],
      additionalProperties: false,
    };
    const { structuredContent } = await client.callTool({
      name: 'chat',
      arguments: { model: 'demo', prompt: 'What is the capital of France?', temperature: 0, schema },
    });
    expect(JSON.parse((structuredContent as { content: string }).content)).toEqual({ city: 'Paris' });
  });

  test('a model is planned, loaded, listed and unloaded', async () => {
    const call = async (name: string, args: object = {}) =>
      (await client.callTool({ name, arguments: { ...args } })).structuredContent as Record<string, unknown>;
    expect(await call('plan', { model: 'demo', context_length: 64 })).toMatchObject({ fits: true });
    expect(await call('load', { model: 'demo' })).toMatchObject({ model: 'demo:latest', device: 'cpu' });
    expect(await call('list_models')).toMatchObject({ models: [{ name: 'demo:latest', state: 'running' }] });
    expect(await call('status')).toMatchObject({ running: ['demo:latest'], hardware: { cpu: expect.any(String) } });
    expect(await call('unload', { model: 'demo' })).toEqual({ model: 'demo', unloaded: true });
  });

  test('the model is a resource', async () => {
    const { contents } = await client.readResource({ uri: 'omg://models/demo%3Alatest' });
    expect(JSON.parse((contents[0] as { text: string }).text)).toMatchObject({ family: expect.any(String) });
  });

  test('a cancelled call ends what the model does', async () => {
    const controller = new AbortController();
    const call = client.callTool(
      { name: 'chat', arguments: { model: 'demo', prompt: 'Hello!', temperature: 2, max_tokens: 100_000, seed: 1 } },
      undefined,
      { signal: controller.signal, onprogress: () => controller.abort() },
    );
    await expect(call).rejects.toThrow();
    const active = async (): Promise<number> => {
      const models = (await omg.json('ps')) as { runtime?: { active_requests: number } }[];
      return models.reduce((sum, { runtime }) => sum + (runtime?.active_requests ?? 0), 0);
    };
    await expect.poll(active).toBe(0);
  });
});
