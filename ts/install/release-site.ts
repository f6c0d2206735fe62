import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Dispatcher } from 'undici';
import { OmgError } from '../errors/index.ts';
import { downloadError, type Network } from './network.ts';
import { distrust, LIST_BYTES, SignedList } from './signed-list.ts';

export interface Release {
  version: string;
  /** File name of the archive for a target. */
  archive: string;
  sha256: string;
}

const ANSWER_MS = 30_000;

/** The site of the release archives. */
export class ReleaseSite {
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
  }

  /** A release and its archive for a target, as its signed list names it. @param version absent: the latest. Throws `signature_invalid`, `not_found`, `download_failed`. */
  async release(target: string, version?: string): Promise<Release> {
    const { releases, keys } = this.#network;
    const what = version === undefined ? 'The latest release' : `Release ${version}`;
    const list = await this.#text(
      version === undefined ? 'latest/download' : `download/v${version}`,
      'SHA256SUMS',
      what,
    );
    const ending = `-${target}.tar.gz`;
    const archives = list.toString('utf8').match(/(?<= [ *])ohmygpu-\d[\w.+-]*\.tar\.gz$/gm) ?? [];
    const archive = archives.find((name) => name.endsWith(ending));
    if (archive === undefined) {
      throw new OmgError('not_found', `${what} has no archive for ${target}.`, {
        hint: 'With Node: npm install -g ohmygpu',
      });
    }
    const found = archive.slice('ohmygpu-'.length, -ending.length);
    if (version !== undefined && found !== version) {
      throw distrust(`The site gives the list of ${found} where ${version} was asked for.`, releases);
    }
    // From the folder of that version: the latest may become another one in between.
    const signature = await this.#text(`download/v${found}`, 'SHA256SUMS.sig', what);
    const signed = SignedList.open(list, signature.toString('utf8'), { what, site: releases }, keys);
    return { version: found, archive, sha256: signed.sha256Of(archive) };
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

  /** A list or its signature. One that is not there is a release that nobody answers for. */
  async #text(folder: string, name: string, what: string): Promise<Buffer> {
    const url = `${this.#network.releases}/${folder}/${name}`;
    const read = async (body: Dispatcher.ResponseData['body']): Promise<Buffer> => {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of body) {
        size += chunk.length;
        if (size > LIST_BYTES) throw new OmgError('download_failed', `${url} is too long for what it should be.`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    };
    return this.#get(url, what, read).catch((error: unknown) => {
      if (name.endsWith('.sig') && OmgError.from(error).code === 'not_found') {
        throw distrust(`${what} has no signature.`, this.#network.releases);
      }
      throw error;
    });
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
