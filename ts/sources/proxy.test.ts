import { createServer, request as sendRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { fakeGguf, testHub } from './test-hub.ts';

/** A forward proxy that counts what goes through it: absolute-form requests and CONNECT tunnels. */
async function forwardProxy(): Promise<{ url: string; targets: string[] }> {
  const targets: string[] = [];
  const server = createServer((request, response) => {
    targets.push(new URL(request.url ?? '').host);
    const forward = sendRequest(request.url ?? '', { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forward.on('error', () => response.destroy());
    request.pipe(forward);
  });
  server.on('connect', (request, socket) => {
    targets.push(request.url ?? '');
    const [host = '', port] = (request.url ?? '').split(':');
    const tunnel = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      tunnel.pipe(socket).pipe(tunnel);
    });
    tunnel.on('error', () => socket.destroy());
    socket.on('error', () => tunnel.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, targets };
}

test('requests to the hub and its storage go through the proxy', async () => {
  const proxy = await forwardProxy();
  const { standIn, pull } = await testHub({ hub: { proxy: { http: proxy.url, https: proxy.url, no: '' } } });
  standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(100) });
  await pull('o/r');
  expect(new Set(proxy.targets)).toEqual(new Set([new URL(standIn.url).host, new URL(standIn.storageUrl).host]));
});

test('hosts that NO_PROXY names are reached without it', async () => {
  const proxy = await forwardProxy();
  const { standIn, pull } = await testHub({ hub: { proxy: { http: proxy.url, https: proxy.url, no: '127.0.0.1' } } });
  standIn.repository('o/r', { 'm-Q4_K_M.gguf': fakeGguf(100) });
  await pull('o/r');
  expect(proxy.targets).toEqual([]);
});
