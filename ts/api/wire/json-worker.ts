import { parentPort } from 'node:worker_threads';
import { OmgError } from '../../errors/index.ts';
import { freeBytes } from './growing-bytes.ts';
import { parseJson } from './json.ts';
import type { JsonJob, JsonOutcome } from './json-threads.ts';
import { unpack } from './unpack.ts';

/** Entry of a thread that unpacks and parses large bodies; the parent sends them one by one. */
parentPort?.on('message', async (job: JsonJob) => parentPort?.postMessage(await outcome(job)));

async function outcome({ bytes, encoding, limitBytes, bounds }: JsonJob): Promise<JsonOutcome> {
  // What does not unpack has taken no more than it may.
  let size = encoding === undefined ? bytes.length : limitBytes;
  try {
    const plain = encoding === undefined ? bytes : await unpack(bytes, encoding, limitBytes);
    size = plain.length;
    return { parsed: parseJson(plain, bounds, () => freeBytes(plain.buffer)), size };
  } catch (error) {
    return { error: OmgError.from(error).toData(), size };
  }
}
