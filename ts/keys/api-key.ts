import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';

/** `inference` asks models, `manage` changes what is installed, loaded or configured. Any key may look. */
export const SCOPES = ['inference', 'manage'] as const;
export type Scope = (typeof SCOPES)[number];

export const keySchema = z.object({
  /** Stands at the beginning of the secret and in the log. */
  id: z.string().regex(/^[0-9a-f]{8}$/),
  name: z.string(),
  /** SHA-256 of the secret, hexadecimal. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(SCOPES)).min(1),
  created: z.iso.datetime(),
  expires: z.iso.datetime().optional(),
  rate: z.object({ count: z.number().int().min(1), perMs: z.number().int().min(1) }).optional(),
  /** Requests at once. */
  concurrency: z.number().int().min(1).optional(),
});

/** A key as it is kept. The secret itself is nowhere. */
export type ApiKey = z.output<typeof keySchema>;

const SECRET_BYTES = 32;

/** A secret of 256 random bits, with the id in front so that a leaked one can be named. */
export function makeSecret(): { id: string; secret: string } {
  const id = randomBytes(4).toString('hex');
  return { id, secret: `omg_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}` };
}

/**
 * The hash that is kept of a secret. Slow hashes such as scrypt protect secrets that people choose, which can be guessed; 256 random bits
 * cannot, and a slow one would cost every request its time.
 */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
