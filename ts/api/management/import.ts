import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import {
  disconnectSignal,
  ndjson,
  optional,
  outlineJson,
  parseBody,
  reportsOf,
  sendStream,
  toOmgError,
} from '../wire/index.ts';
import { errorLine } from './error-line.ts';
import type { ImportRequest, ModelStorePort } from './ports.ts';

/** No system has longer ones. */
const MAX_PATH_LENGTH = 32_767;
/** How often a stream tells how far it is. */
const EVERY_MS = 100;

const importSchema = z.object({
  path: z
    .string()
    .max(MAX_PATH_LENGTH, 'is too long for a path')
    .regex(/^[^\0]+$/, 'must be a path'),
  name: optional(z.string()),
  copy: optional(z.boolean()),
  force: optional(z.boolean()),
  dry_run: optional(z.boolean()),
  stream: optional(z.boolean()),
});

/** POST …/import: `dry_run` says what the model is, `stream` how far the work is. */
export function importRoute(
  app: FastifyInstance,
  route: string,
  store: ModelStorePort,
  modelJsonOf: (name: string) => Promise<object>,
): void {
  const config = { body: importSchema };
  app.post(route, { config }, async (request, reply) => {
    const { path, dry_run: dryRun, stream, ...body } = parseBody(importSchema, request.body);
    if (dryRun === true) return outlineJson(await store.check(path));
    const signal = disconnectSignal(reply);
    const run = async (onProgress: ImportRequest['onProgress']): Promise<object> => {
      const { name, copy = false, force = false } = body;
      const installed = await store.import(path, { name, copy, force, signal, onProgress });
      // One that was brought although it cannot run has a name and nothing else to show.
      const model = await modelJsonOf(installed.name).catch((error: unknown) => {
        if (!force) throw error;
        return { name: installed.name, size: 0, capabilities: [], problem: toOmgError(error).message };
      });
      return { ...model, import_method: installed.method };
    };
    if (stream !== true) return await run(() => {});
    return sendStream(reply, lines(run), { kind: 'ndjson', failure: errorLine });
  });
}

async function* lines(run: (onProgress: ImportRequest['onProgress']) => Promise<object>): AsyncGenerator<string> {
  const reports = reportsOf(run);
  let toldAt = Number.NEGATIVE_INFINITY;
  let step = await reports.next();
  for (; !step.done; step = await reports.next()) {
    const { completedBytes: completed, totalBytes: total } = step.value;
    if (completed < total && performance.now() - toldAt < EVERY_MS) continue;
    toldAt = performance.now();
    yield ndjson({ status: 'reading', completed, total });
  }
  yield ndjson({ status: 'success', model: step.value });
}
