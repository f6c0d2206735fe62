import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { makeSigningKey, type SigningKey, signatureOf } from './signing.ts';

/** What the site does to archives: nothing, say 404, change a byte, or hang up in the middle. */
export type Fault = 'none' | 'missing' | 'corrupt' | 'cut';

/** Stands in for the releases site, with the addresses that GitHub has: `/download/v<version>/<file>`, `/latest/download/<file>`. */
export class ReleasesSite {
  readonly #files = new Map<string, Buffer>();
  readonly #server;
  /** What is published is signed with it. */
  readonly key: SigningKey;
  #latest = '';
  fault: Fault = 'none';

  private constructor(key: SigningKey) {
    this.key = key;
    const { createServer } = process.getBuiltinModule('node:http');
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(key = makeSigningKey()): Promise<ReleasesSite> {
    const site = new ReleasesSite(key);
    await new Promise<void>((resolve) => site.#server.listen(0, '127.0.0.1', resolve));
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Releases a version, which becomes the latest. */
  publish(version: string, archives: string[]): void {
    const sums = archives.map((path) => {
      const bytes = readFileSync(path);
      this.#files.set(`v${version}/${basename(path)}`, bytes);
      return `${createHash('sha256').update(bytes).digest('hex')}  ${basename(path)}\n`;
    });
    this.#files.set(`v${version}/SHA256SUMS`, Buffer.from(sums.join('')));
    this.#files.set(`v${version}/SHA256SUMS.sig`, Buffer.from(signatureOf(sums.join(''), this.key)));
    this.#latest = version;
  }

  /** A published file, named such as `v0.1.0/SHA256SUMS`. */
  file(path: string): Buffer {
    const bytes = this.#files.get(path);
    if (bytes === undefined) throw new Error(`${path} is not published.`);
    return bytes;
  }

  /** Puts another file in its place, or none, as whoever runs a site could. Gives the way back. */
  replace(path: string, bytes: Buffer | string | undefined): () => void {
    const before = this.#files.get(path);
    const put = (content: Buffer | undefined): void => {
      if (content === undefined) this.#files.delete(path);
      else this.#files.set(path, content);
    };
    put(bytes === undefined ? undefined : Buffer.from(bytes));
    return () => put(before);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(request.url ?? '');
    const latest = /^\/latest\/download\/(.+)$/.exec(path)?.[1];
    if (latest !== undefined) {
      // As GitHub does it.
      response.writeHead(302, { location: `/download/v${this.#latest}/${latest}` }).end();
      return;
    }
    const bytes = this.#files.get(path.replace(/^\/download\//, ''));
    const fault = path.endsWith('.tar.gz') ? this.fault : 'none';
    if (bytes === undefined || fault === 'missing') {
      response.writeHead(404).end('not found');
      return;
    }
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
    if (fault === 'cut') {
      response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
      return;
    }
    response.end(fault === 'corrupt' ? withOneByteChanged(bytes) : bytes);
  }
}

function withOneByteChanged(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  const middle = bytes.length >> 1;
  changed[middle] = (changed[middle] ?? 0) ^ 0xff;
  return changed;
}
