import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Dispatcher } from 'undici';
import { OmgError } from '../errors/index.ts';
import { downloadError, type Network } from './network.ts';

export interface Release {
  version: string;
  /** File name of the archive for a target. */
  archive: string;
  sha256: string;
}

const ANSWER_MS = 30_000;
/** SHA256SUMS has a line for each file of a release. */
const LIST_BYTES = 65_536;

/** The site of the release archives. */
export class ReleaseSite {
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
  }

  /** A release and its archive for a target. @param version absent: the latest. */
  async release(target: string, version?: string): Promise<Release> {
    const folder = version === undefined ? 'latest/download' : `download/v${version}`;
    const url = `${this.#network.releases}/${folder}/SHA256SUMS`;
    const what = version === undefined ? 'The latest release' : `Release ${version}`;
    const text = await this.#get(url, what, async (body) => {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of body) {
        size += chunk.length;
        if (size > LIST_BYTES) throw new OmgError('download_failed', `${url} is too long for a list of files.`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString('utf8');
    });
    const ending = `-${target}.tar.gz`;
    for (const line of text.split('\n')) {
      const [, sha256, archive] = /^([0-9a-f]{64}) [ *](ohmygpu-\d[\w.+-]*\.tar\.gz)$/.exec(line) ?? [];
      if (sha256 === undefined || archive === undefined || !archive.endsWith(ending)) continue;
      const found = archive.slice('ohmygpu-'.length, -ending.length);
      if (version === undefined || found === version) return { version: found, archive, sha256 };
    }
    throw new OmgError('not_found', `${what} has no archive for ${target}.`, {
      hint: 'With Node: npm install -g ohmygpu',
    });
  }

  /** Downloads an archive into a file and checks it. Throws `checksum_mismatch`, `download_failed`. */
  async download({ version, archive, sha256 }: Release, file: string): Promise<void> {
    const url = `${this.#network.releases}/download/v${version}/${archive}`;
    const hash = createHash('sha256');
    await this.#get(url, archive, (body) =>
      pipeline(
        body,
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            yield chunk;
          }
        },
        createWriteStream(file),
      ),
    );
    if (hash.digest('hex') !== sha256) {
      throw downloadError(archive, this.#network.releases, Object.assign(new Error(), { code: 'EINTEGRITY' }));
    }
  }

  async #get<Result>(
    url: string,
    what: string,
    read: (body: Dispatcher.ResponseData['body']) => Promise<Result>,
  ): Promise<Result> {
    const { EnvHttpProxyAgent, interceptors } = await import('undici');
    const { httpProxy, httpsProxy, noProxy, releases } = this.#network;
    const agent = new EnvHttpProxyAgent({ httpProxy, httpsProxy, noProxy });
    try {
      const { statusCode, body } = await agent
        // GitHub leads to its storage.
        .compose(interceptors.redirect({ maxRedirections: 5 }))
        .request({
          origin: new URL(url).origin,
          path: `${new URL(url).pathname}${new URL(url).search}`,
          method: 'GET',
          headersTimeout: ANSWER_MS,
          bodyTimeout: ANSWER_MS,
        });
      if (statusCode === 404) throw Object.assign(new Error(), { code: 'E404' });
      if (statusCode >= 400) throw Object.assign(new Error(), { code: `status ${statusCode}` });
      return await read(body);
    } catch (error) {
      throw downloadError(what, releases, error);
    } finally {
      await agent.destroy();
    }
  }
}
