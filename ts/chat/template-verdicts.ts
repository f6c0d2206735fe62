import { createHash } from 'node:crypto';
import { OmgError } from '../errors/index.ts';
import type { TaskEnded } from './template-process.ts';
import type { TaskResult, TemplateTask } from './template-task.ts';
import type { TemplateVerdict } from './template-verdict.ts';
import { expiry, type VerdictFile } from './verdict-file.ts';

/** Characters. The longest templates of well-known models have some 20,000. */
const LONGEST_TEMPLATE = 2 ** 20;
/** Characters of all special tokens that have a name. */
const LONGEST_TOKENS = 2 ** 16;
const MOST_REMEMBERED = 4096;
const PASSING_MS = 60_000;

/**
 * What is known of templates, by the digest of their text and the special tokens they are given, over restarts where there is a file. Finding it out takes a few renders of short
 * messages, all of them one task. A template that does not come through them is not tried again: lists and chats would pay every time.
 */
export class TemplateVerdicts {
  readonly #run: (task: TemplateTask) => Promise<TaskResult | TaskEnded>;
  readonly #verdicts = new Map<string, Promise<TemplateVerdict>>();
  readonly #file: VerdictFile | undefined;
  /** Those that have been found, oldest first. */
  readonly #found = new Map<string, TemplateVerdict>();
  #recalled: Promise<void> | undefined;

  constructor(run: (task: TemplateTask) => Promise<TaskResult | TaskEnded>, file?: VerdictFile) {
    this.#run = run;
    this.#file = file;
  }

  /** The signal ends the waiting only; others may wait for the same. Throws what the renderer throws, and `cancelled`. */
  async of(template: string, specialTokens: Record<string, string>, signal?: AbortSignal): Promise<TemplateVerdict> {
    if (template.length > LONGEST_TEMPLATE) return { unusable: 'it is longer than 1 MiB', lasting: true };
    const tokens = Object.values(specialTokens).reduce((sum, token) => sum + token.length, 0);
    if (tokens > LONGEST_TOKENS) return { unusable: 'the special tokens of the model are far too long', lasting: true };
    this.#recalled ??= this.#recall();
    await this.#recalled;
    const digest = verdictDigest(template, specialTokens);
    let verdict = this.#verdicts.get(digest);
    if (verdict === undefined) {
      verdict = this.#find(digest, template, specialTokens);
      this.#remember(digest, verdict);
    }
    return signal === undefined ? verdict : unlessAborted(verdict, signal);
  }

  /** Resolves when what is known is in the file. */
  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #recall(): Promise<void> {
    for (const [digest, verdict] of (await this.#file?.read()) ?? []) {
      this.#found.set(digest, verdict);
      this.#verdicts.set(digest, Promise.resolve(verdict));
    }
  }

  #remember(digest: string, verdict: Promise<TemplateVerdict>): void {
    const oldest = this.#verdicts.keys().next();
    if (this.#verdicts.size >= MOST_REMEMBERED && !oldest.done) this.#forget(oldest.value);
    this.#verdicts.set(digest, verdict);
    verdict.then(
      (found) => {
        this.#found.set(digest, found);
        this.#file?.writeSoon(() => this.#found);
      },
      () => this.#forget(digest),
    );
  }

  #forget(digest: string): void {
    this.#verdicts.delete(digest);
    this.#found.delete(digest);
  }

  async #find(digest: string, template: string, specialTokens: Record<string, string>): Promise<TemplateVerdict> {
    const result = await this.#run({ kind: 'abilities', template, specialTokens });
    if ('abilities' in result) return { abilities: result.abilities };
    if ('ended' in result) {
      if (!result.lasting) setTimeout(() => this.#forget(digest), PASSING_MS).unref();
      return { unusable: `with one short message, ${result.ended}`, lasting: result.lasting, until: expiry() };
    }
    return { unusable: 'refused' in result ? result.refused : 'it writes no message', lasting: true };
  }
}

export function templateDigest(template: string): string {
  return createHash('sha256').update(template).digest('hex');
}

/** Of all that a verdict depends on: a model with odd special tokens must not speak for another with the same template. */
function verdictDigest(template: string, specialTokens: Record<string, string>): string {
  return templateDigest(JSON.stringify([template, specialTokens]));
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(new OmgError('cancelled', 'The request was cancelled.'));
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
