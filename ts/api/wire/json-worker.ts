import { parentPort } from 'node:worker_threads';
import { OmgError } from '../../errors/index.ts';
import { parseJson } from './json.ts';
import type { JsonJob, JsonOutcome } from './json-threads.ts';

/** Entry of a thread that parses large bodies; the parent sends them one by one. */
parentPort?.on('message', ({ bytes, bounds }: JsonJob) => parentPort?.postMessage(outcome(bytes, bounds)));

function outcome(bytes: JsonJob['bytes'], bounds: JsonJob['bounds']): JsonOutcome {
  try {
    return { parsed: parseJson(bytes, bounds) };
  } catch (error) {
    return { error: OmgError.from(error).toData() };
  }
}
