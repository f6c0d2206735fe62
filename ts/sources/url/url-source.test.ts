import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { displayName, modelPath } from '../../library/index.ts';
import { fakeGguf, testHub } from '../test-hub.ts';

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each([true, false])('a GGUF file is pulled from its address, without a token (ranges: %s)', async (ranges) => {
  const bytes = fakeGguf(1 << 20);
  const tokens: (string | undefined)[] = [];
  const url = await serve(({ headers }, response) => {
    tokens.push(headers.authorization);
    const [, from, to] = (ranges && /bytes=(\d+)-(\d+)/.exec(headers.range ?? '')) || [];
    if (from === undefined) return response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    const part = bytes.subarray(Number(from), Number(to) + 1);
    response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${bytes.length}`, etag: '"one"' }).end(part);
  });
  const { pull } = await testHub({ hub: { token: 'secret' } });
  const record = await pull(`${url}/some/Tiny%20M.gguf?download=true`);
  expect((await readFile(modelPath(record))).equals(bytes)).toBe(true);
  expect(displayName(record.name)).toMatch(/\/library\/Tiny-M:latest$/);
  expect(record.source).toMatchObject({ scheme: 'https', reference: `${url}/some/Tiny%20M.gguf?download=true` });
  expect(new Set(tokens)).toEqual(new Set([undefined]));
});

test.each<[string, number, Record<string, string>, string]>([
  ['is not there', 404, {}, 'repo_not_found'],
  ['needs an account', 401, {}, 'repo_gated'],
  ['is a page', 200, { 'content-type': 'text/html', 'content-length': '5' }, 'hub_error'],
  ['fails', 500, {}, 'hub_error'],
])('a file that %s is refused, and nothing is installed', async (_, status, headers, code) => {
  const url = await serve((_request, response) => response.writeHead(status, headers).end('<htm>'));
  const { pull, library } = await testHub();
  await expect(pull(`${url}/m.gguf`)).rejects.toMatchObject({ code });
  expect(await library.list()).toEqual([]);
});

test.each([
  ['http://example.com/m.gguf', 'invalid_model_name'],
  ['http://127.0.0.1:1/..%2fevil.gguf', 'unsafe_file_name'],
])('%s is not asked for', async (url, code) => {
  const { pull } = await testHub();
  await expect(pull(url)).rejects.toMatchObject({ code });
});
