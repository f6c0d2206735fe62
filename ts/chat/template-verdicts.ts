import { createHash } from 'node:crypto';
import { OmgError } from '../errors/index.ts';
import type { TemplateCapabilities } from './abilities.ts';
import type { TaskEnded } from './template-process.ts';
import type { TaskResult, TemplateTask } from './template-task.ts';

/** What a template can do, or in a few words why it is not used. */
export type TemplateVerdict =
  | { abilities: TemplateCapabilities }
  /** Not `lasting`: the machine may be to blame, and it is tried again after a while. */
  | { unusable: string; lasting: boolean };

/** Characters. The longest templates of well-known models have some 20,000. */
const LONGEST_TEMPLATE = 2 ** 20;
/** Characters of all special tokens that have a name. */
const LONGEST_TOKENS = 2 ** 16;
const MOST_REMEMBERED = 4096;
const PASSING_MS = 60_000;

/**
 * What is known of templates, by the digest of their text, as long as the daemon lives. Finding it out takes a few renders of short
 * messages, all of them one task. A template that does not come through them is not tried again: lists and chats would pay every time.
 */
export class TemplateVerdicts {
  readonly #run: (task: TemplateTask) => Promise<TaskResult | TaskEnded>;
  readonly #verdicts = new Map<string, Promise<TemplateVerdict>>();

  constructor(run: (task: TemplateTask) => Promise<TaskResult | TaskEnded>) {
    this.#run = run;
  }

  /** The signal ends the waiting only; others may wait for the same. Throws what the renderer throws, and `cancelled`. */
  async of(template: string, specialTokens: Record<string, string>, signal?: AbortSignal): Promise<TemplateVerdict> {
    if (template.length > LONGEST_TEMPLATE) return { unusable: 'it is longer than 1 MiB', lasting: true };
    const tokens = Object.values(specialTokens).reduce((sum, token) => sum + token.length, 0);
    if (tokens > LONGEST_TOKENS) return { unusable: 'the special tokens of the model are far too long', lasting: true };
    const digest = templateDigest(template);
    let verdict = this.#verdicts.get(digest);
    if (verdict === undefined) {
      verdict = this.#find(digest, template, specialTokens);
      this.#remember(digest, verdict);
    }
    return signal === undefined ? verdict : unlessAborted(verdict, signal);
  }

  #remember(digest: string, verdict: Promise<TemplateVerdict>): void {
    const oldest = this.#verdicts.keys().next();
    if (this.#verdicts.size >= MOST_REMEMBERED && !oldest.done) this.#verdicts.delete(oldest.value);
    this.#verdicts.set(digest, verdict);
    verdict.catch(() => this.#verdicts.delete(digest));
  }

  async #find(digest: string, template: string, specialTokens: Record<string, string>): Promise<TemplateVerdict> {
    const result = await this.#run({ kind: 'abilities', template, specialTokens });
    if ('abilities' in result) return { abilities: result.abilities };
    if ('ended' in result) {
      if (!result.lasting) setTimeout(() => this.#verdicts.delete(digest), PASSING_MS).unref();
      return { unusable: `with one short message, ${result.ended}`, lasting: result.lasting };
    }
    return { unusable: 'refused' in result ? result.refused : 'it writes no message', lasting: true };
  }
}

export function templateDigest(template: string): string {
  return createHash('sha256').update(template).digest('hex');
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(new OmgError('cancelled', 'The request was cancelled.'));
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
