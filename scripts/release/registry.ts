import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { list } from 'tar';
import { checksumsPackage, packFileName } from '../targets.ts';
import { packChecksums } from './checksums-package.ts';
import type { Manifest } from './manifests.ts';
import { makeSigningKey, type SigningKey, signatureOf } from './signing.ts';

interface Published {
  manifest: Manifest;
  bytes: Buffer;
  integrity: string;
  shasum: string;
}

/**
 * A registry of a few packages on this machine, for trying out what is about to be published. It serves what was put into it, the newest
 * last, and says 404 to everything else: npm leaves optional packages of other platforms out then.
 */
export class StandInRegistry {
  readonly #packages = new Map<string, Map<string, Published>>();
  readonly #server;
  /** What is signed is signed with it. */
  readonly key: SigningKey;
  /** Paths that were asked for. */
  readonly requests: string[] = [];
  /** Changes an archive on its way, as a bad mirror would. */
  tamper: ((name: string, bytes: Buffer) => Buffer) | undefined;

  private constructor(key: SigningKey) {
    this.key = key;
    const { createServer } = process.getBuiltinModule('node:http');
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(key = makeSigningKey()): Promise<StandInRegistry> {
    const registry = new StandInRegistry(key);
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Publishes an archive that `npm pack` made. */
  publish(file: string): void {
    const bytes = readFileSync(file);
    const manifest = manifestOf(file);
    const versions = this.#packages.get(manifest.name) ?? new Map<string, Published>();
    versions.set(manifest.version, {
      manifest,
      bytes,
      integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
      shasum: createHash('sha1').update(bytes).digest('hex'),
    });
    this.#packages.set(manifest.name, versions);
  }

  /** Publishes the signed list of all packages in a version, in the place of one that is there. */
  async sign(version: string, { key = this.key, as = version } = {}): Promise<void> {
    const lines = [...this.#packages].flatMap(([name, versions]) => {
      const bytes = name === checksumsPackage ? undefined : versions.get(version)?.bytes;
      if (bytes === undefined) return [];
      return [`${createHash('sha256').update(bytes).digest('hex')}  ${packFileName(name, version)}\n`];
    });
    const folder = mkdtempSync(join(tmpdir(), 'omg-signed-'));
    try {
      writeFileSync(join(folder, 'SHA256SUMS'), lines.join(''));
      writeFileSync(join(folder, 'SHA256SUMS.sig'), signatureOf(lines.join(''), key));
      this.publish(await packChecksums(folder, join(folder, 'packs'), as));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Takes a version of a package away. */
  unpublish(name: string, version: string): void {
    this.#packages.get(name)?.delete(version);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(request.url ?? '/').replace(/^\/+/, '');
    this.requests.push(path);
    const [, name = '', version = ''] = /^((?:@[^/]+\/)?[^/]+)\/-\/(.+)\.tgz$/.exec(path) ?? [];
    const published = this.#packages.get(name)?.get(version);
    if (published !== undefined) {
      const body = this.tamper?.(name, published.bytes) ?? published.bytes;
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length }).end(body);
      return;
    }
    const versions = this.#packages.get(path);
    response.writeHead(versions === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(versions === undefined ? { error: 'not_found' } : this.#packument(path, versions)));
  }

  #packument(name: string, versions: Map<string, Published>): object {
    const entries = [...versions].map(([version, { manifest, integrity, shasum }]) => [
      version,
      {
        ...manifest,
        _id: `${name}@${version}`,
        dist: { integrity, shasum, tarball: `${this.url}${name}/-/${version}.tgz` },
      },
    ]);
    return { name, 'dist-tags': { latest: [...versions.keys()].at(-1) }, versions: Object.fromEntries(entries) };
  }
}

function manifestOf(file: string): Manifest {
  let text = '';
  list({
    file,
    sync: true,
    onReadEntry: (entry) => {
      if (entry.path === 'package/package.json') entry.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    },
  });
  return JSON.parse(text) as Manifest;
}
