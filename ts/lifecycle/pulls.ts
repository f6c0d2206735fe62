import { randomBytes } from 'node:crypto';
import { OmgError } from '../errors/index.ts';
import { nameKey, parseModelName } from '../library/index.ts';
import { type PullDeps, RunningPull } from './pull-job.ts';
import type { PullJob, PullSpec } from './types.ts';

const KEPT_AFTER_END_MS = 3_600_000;
const MOST_KEPT = 1000;
const MOST_AT_ONCE = 32;

/** The pulls under way, and for an hour those that have ended, the newest thousand. */
export class Pulls {
  readonly #with: PullDeps;
  readonly #running = new Map<string, RunningPull>();
  readonly #byId = new Map<string, RunningPull>();
  #closed = false;

  constructor(deps: PullDeps) {
    this.#with = deps;
  }

  /** Joins a pull of the same files, else starts one. Throws `shutting_down`, `server_busy`. */
  pull(spec: PullSpec): PullJob {
    if (this.#closed) throw new OmgError('shutting_down', 'The daemon is stopping.');
    this.#forgetOld();
    const key = identity(spec);
    const running = this.#running.get(key);
    if (running !== undefined && !running.cancelling) return running;
    if (this.#running.size >= MOST_AT_ONCE) {
      throw new OmgError('server_busy', `${this.#running.size} models are being pulled already.`, {
        hint: 'Try again when one of them is here.',
      });
    }
    const job = new RunningPull(`pull_${randomBytes(9).toString('base64url')}`, spec, this.#with, running?.ended);
    this.#running.set(key, job);
    this.#byId.set(job.id, job);
    void job.ended.then(() => {
      if (this.#running.get(key) === job) this.#running.delete(key);
    });
    return job;
  }

  find(id: string): PullJob | undefined {
    this.#forgetOld();
    return this.#byId.get(id);
  }

  /** The pulls under way. */
  list(): PullJob[] {
    return [...this.#running.values()];
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running.values()].map((job) => job.cancel()));
  }

  #forgetOld(): void {
    const oldest = this.#with.clock.now() - KEPT_AFTER_END_MS;
    for (const [id, job] of this.#byId) {
      const isOverMost = this.#byId.size >= MOST_KEPT;
      if (job.endedAtMs !== undefined && (isOverMost || job.endedAtMs < oldest)) this.#byId.delete(id);
    }
  }
}

/** The same for every spelling of one repository, quantisation and revision. */
function identity(spec: PullSpec): string {
  // A pull with another token may see other things.
  const { revision, quant, file, token } = spec;
  try {
    const parsed = parseModelName(spec.model);
    const name = nameKey({ ...parsed.name, tag: quant ?? parsed.name.tag });
    return JSON.stringify([name, revision ?? parsed.revision, file, token]);
  } catch {
    // Not a name, perhaps a URL: the puller says what it thinks of it.
    return JSON.stringify([spec.model, revision, file, quant, token]);
  }
}
