import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Options, PackageManifest } from 'pacote';
import { VERSION } from '../config/index.ts';
import { downloadError, type Network } from './network.ts';

/** Packages of an npm registry. What is fetched is checked against the hash that the registry names. */
export class Registry {
  readonly #network: Network;
  readonly #cache: string;

  private constructor(network: Network, cache: string) {
    this.#network = network;
    this.#cache = cache;
  }

  /** Runs `work` with a registry whose cache lasts as long. */
  static async use<Result>(network: Network, work: (registry: Registry) => Promise<Result>): Promise<Result> {
    const cache = await mkdtemp(join(tmpdir(), 'omg-packages-'));
    try {
      return await work(new Registry(network, cache));
    } finally {
      // What was broken off may still be writing.
      await rm(cache, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  /** The manifest of a package; `version` may be a tag. Throws `not_found`, `download_failed`. */
  async manifest(name: string, version: string): Promise<PackageManifest> {
    const { default: pacote } = await import('pacote');
    try {
      return await pacote.manifest(`${name}@${version}`, this.#options);
    } catch (error) {
      throw downloadError(`${name}@${version}`, this.#network.registry, error);
    }
  }

  /** Fetches a package, checks it, and only then unpacks it into a folder; gives its checked hash. Throws `checksum_mismatch` and what `manifest` throws. */
  async extract(name: string, version: string, folder: string): Promise<string> {
    const { default: pacote } = await import('pacote');
    try {
      const file = join(this.#cache, `${name.replace('/', '-')}.tgz`);
      const { integrity } = await pacote.tarball.file(`${name}@${version}`, file, this.#options);
      await pacote.extract(`file:${file}`, folder, this.#options);
      await rm(file);
      return integrity;
    } catch (error) {
      throw downloadError(`${name}@${version}`, this.#network.registry, error);
    }
  }

  get #options(): Options {
    const { registry, httpProxy, httpsProxy, noProxy } = this.#network;
    return {
      registry,
      cache: this.#cache,
      userAgent: `omg/${VERSION}`,
      fetchRetries: 2,
      fetchRetryFactor: 4,
      fetchRetryMintimeout: 500,
      fetchRetryMaxtimeout: 10_000,
      ...(httpProxy === undefined ? {} : { proxy: httpProxy }),
      ...(httpsProxy === undefined ? {} : { httpsProxy }),
      ...(noProxy === undefined ? {} : { noProxy }),
    };
  }
}
