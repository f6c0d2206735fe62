import { endianness } from 'node:os';
import type { Embeddings } from '../../inference/index.ts';

export type Vectors = Pick<Embeddings, 'vectors' | 'dimensions'>;

/** The vector of text `index`; shares the memory of all. */
export function vectorAt({ vectors, dimensions }: Vectors, index: number): Float32Array {
  return vectors.subarray(index * dimensions, (index + 1) * dimensions);
}

/** Little-endian floats as base64, as OpenAI's client libraries ask for them. */
export function vectorBase64(vector: Float32Array): string {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  return endianness() === 'LE' ? bytes.toString('base64') : Buffer.from(bytes).swap32().toString('base64');
}
