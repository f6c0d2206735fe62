import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { proxyFor, reach } from './reach.ts';

const NONE = { http: '', https: '', no: '' };

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const site = (status = 200): Promise<string> =>
  listening(createServer((_, response) => response.writeHead(status).end('{}')));

const outline = (hops: { name: string; ok: boolean }[]): string =>
  hops.map(({ name, ok }) => `${name} ${ok}`).join(', ');

test('each step to a site is told', async () => {
  const address = await site();
  const hops = await reach(`http://localhost:${address.split(':')[1]}/x`, NONE);
  expect(outline(hops)).toBe('name true, connection true, answer true');
  expect(hops.at(0)?.detail).toContain('127.0.0.1');
  expect(hops.at(-1)?.detail).toBe('status 200');
});

test('the step that fails is the last one', async () => {
  expect(outline(await reach('http://127.0.0.1:9/', NONE))).toBe('name true, connection false');
  expect(outline(await reach('http://no-such-host.invalid/', NONE))).toBe('name false');
  const failing = await reach(`http://${await site(503)}/`, NONE);
  expect(failing.at(-1)).toMatchObject({ name: 'answer', ok: false, detail: 'status 503' });
  // A site that speaks no TLS.
  const plain = createTcpServer((socket) => socket.on('error', () => {}).end('hello'));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void plain.close());
  const hops = await reach(`https://127.0.0.1:${(plain.address() as AddressInfo).port}/`, NONE);
  expect(outline(hops)).toBe('name true, connection true, tls false');
});

test('a proxy is a step of its own, and one that refuses is named', async () => {
  const target = await site();
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.writeHead(200).end();
  });
  proxy.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
    socket.on('error', () => {});
    if (!request.headers['proxy-authorization']) return void socket.end('HTTP/1.1 407 No\r\n\r\n');
    const [host, port] = target.split(':');
    const tunnel = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      tunnel.pipe(socket).pipe(tunnel);
    });
    tunnel.on('error', () => socket.destroy());
  });
  const address = await listening(proxy);

  const plain = await reach('http://hub.invalid/a', { ...NONE, http: `http://${address}` });
  expect(outline(plain)).toBe('name true, connection true, answer true');
  expect(seen).toEqual(['GET http://hub.invalid/a']);

  const refused = await reach('https://hub.invalid/', { ...NONE, https: `http://${address}` });
  expect(refused.at(-1)).toMatchObject({ name: 'proxy', ok: false, detail: 'the proxy answers 407' });

  // Through the tunnel stands a site without TLS, so that is where this one ends.
  const tunnelled = await reach('https://hub.invalid/', { ...NONE, https: `http://a:b@${address}` });
  expect(outline(tunnelled)).toBe('name true, connection true, proxy true, tls false');
  expect(seen.at(-1)).toBe(`CONNECT hub.invalid:443 Basic ${Buffer.from('a:b').toString('base64')}`);
});

test.each([
  ['https://huggingface.co/', 'http://s:1', ''],
  ['https://huggingface.co/', undefined, 'huggingface.co'],
  ['https://cdn.huggingface.co/', undefined, '.huggingface.co, other'],
  ['https://huggingface.co/', 'http://s:1', 'face.co'],
  ['https://huggingface.co/', 'http://s:1', 'huggingface.co:8443'],
  ['http://localhost:8080/', undefined, '*'],
  ['http://localhost:8080/', 'http://p:1', ''],
])('%s goes through %s where NO_PROXY is %j', (address, proxy, no) => {
  const chosen = proxyFor(new URL(address), { http: 'http://p:1', https: 'http://s:1', no });
  expect(chosen?.origin).toBe(proxy);
});
