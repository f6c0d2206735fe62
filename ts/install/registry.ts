import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Options, PackageManifest } from 'pacote';
import { checksumsPackage, packFileName } from '../../scripts/targets.ts';
import { VERSION } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import { downloadError, type Network } from './network.ts';
import { distrust, LIST_BYTES, SignedList } from './signed-list.ts';

/**
 * Packages of an npm registry. What is fetched is checked against the hash that the registry names, which finds damage, and against the
 * signed list of its release, which finds a registry that means harm.
 */
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

  /** What a release is made of: the package with its list is read, checked, and not unpacked. Throws `signature_invalid` and what `manifest` throws. */
  async signedList(version: string): Promise<SignedList> {
    const { registry, keys } = this.#network;
    const origin = { what: `omg ${version}`, site: registry };
    const { file } = await this.#fetch(checksumsPackage, version).catch((error: unknown) => {
      if (OmgError.from(error).code === 'not_found') throw distrust(`omg ${version} has no signature.`, registry);
      throw error;
    });
    const paths = ['package/SHA256SUMS', 'package/SHA256SUMS.sig'];
    // A file that is no archive holds no signature either.
    const [list, signature] = await readEntries(file, paths).catch(() => []);
    if (list === undefined || signature === undefined) throw distrust(`omg ${version} has no signature.`, registry);
    return SignedList.open(list, signature.toString('utf8'), origin, keys);
  }

  /** Fetches a package, checks it, and only then unpacks it into a folder; gives the hash in the words of npm. Throws `checksum_mismatch`, `signature_invalid` and what `manifest` throws. */
  async extract(name: string, version: string, folder: string, list: SignedList): Promise<string> {
    const expected = list.sha256Of(packFileName(name, version));
    const { file, integrity } = await this.#fetch(name, version);
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    if (hash.digest('hex') !== expected) {
      throw distrust(`${name}@${version} is not the one that was signed.`, this.#network.registry);
    }
    const { default: pacote } = await import('pacote');
    try {
      await pacote.extract(`file:${file}`, folder, this.#options);
      await rm(file);
      return integrity;
    } catch (error) {
      throw downloadError(`${name}@${version}`, this.#network.registry, error);
    }
  }

  async #fetch(name: string, version: string): Promise<{ file: string; integrity: string }> {
    const { default: pacote } = await import('pacote');
    try {
      const file = join(this.#cache, packFileName(name, version));
      const { integrity } = await pacote.tarball.file(`${name}@${version}`, file, this.#options);
      return { file, integrity };
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

/** Small files of a package, in the order asked for; undefined where one is missing or too long. */
async function readEntries(file: string, paths: string[]): Promise<(Buffer | undefined)[]> {
  const found = new Map<string, Buffer[]>();
  if ((await stat(file)).size <= 2 * LIST_BYTES) {
    const { list } = await import('tar');
    await list({
      file,
      filter: (path, entry) => paths.includes(path) && entry.size <= LIST_BYTES,
      onReadEntry: (entry) => {
        const chunks: Buffer[] = [];
        found.set(entry.path, chunks);
        entry.on('data', (chunk) => chunks.push(chunk));
      },
    });
  }
  return paths.map((path) => {
    const chunks = found.get(path);
    return chunks && Buffer.concat(chunks);
  });
}
