import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { type Vectors, vectorAt } from './vectors.ts';

/** So many numbers are written at once; more would hold up everybody else. */
const NUMBERS_AT_ONCE = 16_384;

/** Sends `fields` as a JSON object with one more field, the list of what `shown` makes of each vector: written piece by piece, however many there are. */
export function sendVectors(
  reply: FastifyReply,
  answer: Vectors,
  fields: object,
  [key, shown]: [key: string, shown: (vector: Float32Array, index: number) => unknown],
): FastifyReply {
  const { vectors, dimensions } = answer;
  const count = dimensions === 0 ? 0 : vectors.length / dimensions;
  const perPiece = Math.max(1, Math.floor(NUMBERS_AT_ONCE / Math.max(1, dimensions)));
  const text = (from: number): string =>
    Array.from({ length: Math.min(perPiece, count - from) }, (_, offset) =>
      JSON.stringify(shown(vectorAt(answer, from + offset), from + offset)),
    ).join(',');
  const head = `${JSON.stringify(fields).replace(/}$/, '')},${JSON.stringify(key)}:[`;
  reply.type('application/json; charset=utf-8');
  if (count <= perPiece) return reply.send(`${head}${text(0)}]}`);
  async function* pieces(): AsyncGenerator<string> {
    yield head;
    for (let from = 0; from < count; from += perPiece) {
      yield from === 0 ? text(from) : `,${text(from)}`;
      await setImmediate();
    }
    yield ']}';
  }
  return reply.send(Readable.from(pieces()));
}
