import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { HttpClient } from './http.ts';
import { isPrivateHost, lookUpPublic } from './private-address.ts';

test.each([
  '127.0.0.1',
  '127.8.8.8',
  '10.1.2.3',
  '172.31.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '0.0.0.0',
  '100.64.1.1',
  'localhost',
  'LOCALHOST.',
  'a.localhost',
  '[::1]',
  '::',
  '[fe80::1]',
  'fd00::1',
  '::ffff:10.0.0.1',
  '[::ffff:7f00:1]',
])('%s is private', (host) => {
  expect(isPrivateHost(host)).toBe(true);
});

test.each(['huggingface.co', '8.8.8.8', '172.32.0.1', '[2606:4700::1]', 'localhost.example.com'])(
  '%s is not',
  (host) => {
    expect(isPrivateHost(host)).toBe(false);
  },
);

test('a name that resolves to this machine is refused', async () => {
  const error = await new Promise((resolve) => lookUpPublic('localhost', {}, (thrown) => resolve(thrown)));
  expect(error).toMatchObject({ code: 'hub_error', message: /localhost/ });
});

test.each(['http://127.0.0.1:1/x', 'http://localhost/x', 'http://[::1]/x', 'http://169.254.169.254/latest/meta-data'])(
  'a public host may not redirect to %s',
  async (location) => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(302, { location }).end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => proxy.once('listening', resolve));
    const http = new HttpClient({
      endpoint: 'http://hub.example.com',
      token: 'secret',
      proxy: { http: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, https: '', no: '' },
    });
    onTestFinished(async () => {
      await http.close();
      proxy.close();
    });
    await expect(http.request('http://hub.example.com/m')).rejects.toMatchObject({ code: 'hub_error' });
    expect(asked).toHaveLength(1);
  },
);
