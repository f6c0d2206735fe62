import { verify } from 'node:crypto';
import { RELEASE_KEYS } from '../../scripts/release-keys.ts';
import { OmgError } from '../errors/index.ts';

/** The list of a release has a line for each of its files. */
export const LIST_BYTES = 65_536;

/** Where a list and its signature came from, in words for messages. */
interface Origin {
  /** Such as `Release 0.1.0`. */
  what: string;
  site: string;
}

/**
 * SHA256SUMS of a release, whose signature was checked: base64 of an ECDSA signature (P-256, SHA-256, DER), as `openssl dgst` and
 * `cosign sign-blob` make them. File names hold the version, so a list stands for one version only, however it is served.
 */
export class SignedList {
  readonly #hashes: ReadonlyMap<string, string>;
  readonly #origin: Origin;

  private constructor(text: string, origin: Origin) {
    const lines = text.matchAll(/^([0-9a-f]{64}) [ *]([\w.+-]+)$/gm);
    this.#hashes = new Map([...lines].map(([, sha256 = '', file = '']) => [file, sha256]));
    this.#origin = origin;
  }

  /** Checks the signature first. Throws `signature_invalid`. */
  static open(list: Buffer, signature: string, origin: Origin, keys: readonly string[] = RELEASE_KEYS): SignedList {
    const bytes = Buffer.from(signature, 'base64');
    const isSigned = keys.some((key) =>
      verify('sha256', list, { key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' }, bytes),
    );
    if (!isSigned) throw distrust(`${origin.what} is not signed with a key of omg's makers.`, origin.site);
    return new SignedList(list.toString('utf8'), origin);
  }

  get files(): string[] {
    return [...this.#hashes.keys()];
  }

  /** The SHA-256 that a file must have. Throws `signature_invalid` where the list does not name it. */
  sha256Of(file: string): string {
    const sha256 = this.#hashes.get(file);
    if (sha256 === undefined) {
      throw distrust(`What is signed for ${this.#origin.what} does not name ${file}.`, this.#origin.site);
    }
    return sha256;
  }
}

/** Something that must not be used, because nobody answers for it. */
export function distrust(message: string, site: string): OmgError {
  return new OmgError('signature_invalid', message, {
    hint: `Whoever runs ${site}, or somebody on the way, may have changed it. Nothing was changed here.`,
  });
}
