import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A key pair that signs releases. */
export interface SigningKey {
  /** In the form of `RELEASE_KEYS`. */
  publicKey: string;
  /** PEM, PKCS #8. */
  privateKey: string;
}

/** A new key pair; for a stand-in of a site also the way to releases that nobody else takes for good. */
export function makeSigningKey(): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
  });
  return { publicKey: publicKey.toString('base64'), privateKey };
}

/** The pair of a private key. Throws where the text holds none for ECDSA over P-256. */
export function signingKeyFrom(privateKey: string): SigningKey {
  const key = createPublicKey(privateKey);
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('The key is none of ECDSA over P-256.');
  return { publicKey: key.export({ format: 'der', type: 'spki' }).toString('base64'), privateKey };
}

/** The signature of a list: base64 in rows that every `openssl base64 -d` reads. */
export function signatureOf(list: Buffer | string, { privateKey }: SigningKey): string {
  const base64 = sign('sha256', Buffer.from(list), privateKey).toString('base64');
  return base64.replace(/.{1,64}/g, '$&\n');
}

/** Writes SHA256SUMS.sig beside SHA256SUMS. */
export function signList(folder: string, key: SigningKey): void {
  writeFileSync(join(folder, 'SHA256SUMS.sig'), signatureOf(readFileSync(join(folder, 'SHA256SUMS')), key));
}
