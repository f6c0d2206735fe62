import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Models, PullSpec } from '../../lifecycle/index.ts';
import { disconnectSignal, optional, sendStream, textWithRemedy } from '../wire/index.ts';
import { parseDockerBody } from './body.ts';
import { encodeLine, plainLine, progressLines } from './progress.ts';
import type { Turns } from './turns.ts';

export const createSchema = z.object({
  from: z.string().min(1),
  'bearer-token': optional(z.string()),
  force: optional(z.boolean()),
});

/** POST /models/create: pulls, and tells of it line by line. What fails before the first line has a real status. */
export function createModel(models: Models, turns: Turns, request: FastifyRequest, reply: FastifyReply) {
  const { from, force, 'bearer-token': token } = parseDockerBody(createSchema, request.body);
  const spec = { model: from.trim(), ...(token ? { token } : {}), ...(force === true ? { force } : {}) };
  const asJson = request.headers.accept === 'application/json';
  return sendStream(reply, frames(models, turns, spec, asJson, disconnectSignal(reply)), {
    kind: 'ndjson',
    contentType: asJson ? 'application/json' : 'text/plain; charset=utf-8',
    failure: (error) => encodeLine(plainLine('error', textWithRemedy(error)), asJson),
  });
}

async function* frames(
  models: Models,
  turns: Turns,
  spec: PullSpec,
  asJson: boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const giveBack = await turns.take(signal);
  try {
    for await (const line of progressLines(models.pull(spec).watch(signal), spec.model)) yield encodeLine(line, asJson);
  } finally {
    giveBack();
  }
}
