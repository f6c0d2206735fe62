import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { addressesOf, Client } from './client.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function clientOf(listener: RequestListener): Promise<Client> {
  server = createServer((request, reply) => {
    reply.setHeader('x-omg-version', '1');
    listener(request, reply);
  });
  const port = await new Promise<number>((resolve) => {
    server?.listen(0, '127.0.0.1', () => {
      const address = server?.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  // The socket does not exist, so the second address is taken.
  return new Client([{ socketPath: '/nonexistent/daemon.sock' }, { host: '127.0.0.1', port }], 'k');
}

async function drain(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const ask = { model: 'm', messages: [{ role: 'user' as const, content: 'x' }] };

test('nothing that listens is daemon_not_running, with the fix as the hint', async () => {
  const client = new Client([{ socketPath: '/nonexistent/daemon.sock' }, { host: '127.0.0.1', port: 1 }]);
  await expect(client.health()).rejects.toMatchObject({
    code: 'daemon_not_running',
    hint: expect.stringContaining('omg serve -d'),
  });
});

test.each([
  [200, '<!DOCTYPE HTML><p>Hello</p>'],
  [404, '<!DOCTYPE HTML><p>Not Found</p>'],
  [200, '{"status":"ok"}'],
])('another program that answers with %i is told apart from a daemon', async (status, body) => {
  const client = await clientOf((_request, reply) => {
    reply.removeHeader('x-omg-version');
    reply.writeHead(status).end(body);
  });
  await expect(client.list()).rejects.toMatchObject({
    code: 'port_in_use',
    message: expect.stringMatching(/^127\.0\.0\.1:\d+ is answered by another program/),
  });
});

test('sends the key, and falls back from the socket to TCP', async () => {
  let key: string | undefined;
  const client = await clientOf((request, reply) => {
    key = request.headers.authorization;
    reply.end('{"status":"ok","version":"1"}');
  });
  expect(await client.health()).toEqual({ status: 'ok', version: '1' });
  expect(key).toBe('Bearer k');
});

test.each([
  [
    404,
    '{"error":"model \'x\' not found","code":"model_not_found","hint":"h"}',
    { code: 'model_not_found', hint: 'h', message: "model 'x' not found" },
  ],
  [
    500,
    '{"error":{"message":"m","type":"api_error","param":null,"code":"out_of_memory"}}',
    { code: 'out_of_memory', message: 'm' },
  ],
  [401, '{"error":{"message":"m","type":"t","param":null,"code":"invalid_api_key"}}', { code: 'unauthorized' }],
  [403, '', { code: 'forbidden' }],
  [502, '<html>', { code: 'internal' }],
])('status %i with %s is an error of its own', async (status, body, expected) => {
  const client = await clientOf((_request, reply) => reply.writeHead(status).end(body));
  await expect(client.show('x')).rejects.toMatchObject(expected);
});

test('an answer is pieces: frames may be cut anywhere', async () => {
  const chunk = (delta: object, finish: string | null = null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const text = `: ping\n\n${chunk({ role: 'assistant', content: '' })}${chunk({ reasoning: 'h', reasoning_content: 'h' })}${chunk({ content: 'ä€' })}${chunk({ tool_calls: [{ function: { name: 'f', arguments: '{}' } }] })}${chunk({}, 'stop')}data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}},"timings":{"predicted_ms":40}}\n\ndata: [DONE]\n\n`;
  const client = await clientOf(async (_request, reply) => {
    for (const byte of Buffer.from(text)) {
      reply.write(Buffer.of(byte));
      if (byte === 0x0a) await new Promise((resolve) => setImmediate(resolve));
    }
    reply.end();
  });
  expect(await drain(client.chat(ask))).toEqual([
    { type: 'reasoning', text: 'h' },
    { type: 'content', text: 'ä€' },
    { type: 'tool-call', name: 'f', arguments: '{}' },
    { type: 'end', reason: 'stop', promptTokens: 3, completionTokens: 2, cachedTokens: 1, decodeMs: 40 },
  ]);
});

test('an answer that ends without [DONE], or breaks off, is an error', async () => {
  const short = await clientOf((_request, reply) =>
    reply.end('data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\n'),
  );
  await expect(drain(short.chat(ask))).rejects.toMatchObject({ code: 'daemon_not_running' });
  server?.close();
  const cut = await clientOf((_request, reply) => {
    reply.write('data: {"choices":[]}\n\n', () => reply.destroy());
  });
  await expect(drain(cut.chat(ask))).rejects.toMatchObject({ code: 'daemon_not_running' });
});

test('an error inside a stream keeps its code', async () => {
  const client = await clientOf((_request, reply) =>
    reply.end('{"status":"pulling manifest"}\n{"error":"no such repo","code":"repo_not_found"}\n'),
  );
  await expect(drain(client.pull({ model: 'x' }))).rejects.toMatchObject({
    code: 'repo_not_found',
    message: 'no such repo',
  });
});

test('aborting is cancelled, before and during the answer', async () => {
  const client = await clientOf((_request, reply) => reply.write(': ping\n\n'));
  const controller = new AbortController();
  const reading = drain(client.chat(ask, controller.signal));
  setTimeout(() => controller.abort(), 50);
  await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
  await expect(drain(client.chat(ask, AbortSignal.abort()))).rejects.toMatchObject({ code: 'cancelled' });
});

test.each([
  [{}, ['/h/daemon.sock', '127.0.0.1:10692']],
  [{ OMG_HOST: 'box.invalid:1' }, ['box.invalid:1']],
  [{ OMG_HOST: '127.0.0.1:99' }, ['127.0.0.1:99']],
  [{ OMG_HOST: '0.0.0.0', OMG_PORT: '99' }, ['127.0.0.1:99']],
  [{ OMG_PORT: '0' }, ['/h/daemon.sock', '127.0.0.1:0']],
  [{ OMG_SOCKET: 'off' }, ['127.0.0.1:10692']],
])('with %j the daemon is looked for at %j', async (env, addresses) => {
  const config = await loadConfig({ env: { OMG_HOME: '/h', ...env }, cwd: '/' });
  expect(addressesOf(config).map((at) => ('socketPath' in at ? at.socketPath : `${at.host}:${at.port}`))).toEqual(
    addresses,
  );
});
