import { OmgError } from '../../errors/index.ts';
import type { PromptSegment } from '../../inference/index.ts';

/** Characters or tokens. What is shorter is done in a few milliseconds and waits for nobody. */
const SHORT = 64 * 1024;
/** Long ones that are with the addon at once; each takes a thread, which the model's own work then lacks. */
const MOST_LONG = 2;

/** Characters and tokens of a prompt. */
export function lengthOf(prompt: PromptSegment[]): number {
  return prompt.reduce((sum, part) => sum + (part.kind === 'text' ? part.text.length : part.tokens.length), 0);
}

interface Waiting {
  id: number;
  start(): void;
  leave(): void;
}

/**
 * Reads texts into tokens and back. Native work cannot be stopped once it has begun, so what is long begins when there is room for it, in order
 * of arrival, and is dropped when whoever asked has left by then.
 */
export class TextLine {
  #running = 0;
  readonly #waiting: Waiting[] = [];

  /** Throws `cancelled` where it was dropped. */
  async run<T>(id: number, length: number, work: () => Promise<T>): Promise<T> {
    if (length <= SHORT) return work();
    if (this.#running >= MOST_LONG) {
      await new Promise<void>((resolve, reject) => {
        const leave = (): void => reject(new OmgError('cancelled', 'The request was cancelled.'));
        this.#waiting.push({ id, start: resolve, leave });
      });
    }
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.start();
    }
  }

  /** Drops what waits under this id. */
  drop(id: number): void {
    const at = this.#waiting.findIndex((waiting) => waiting.id === id);
    if (at >= 0) this.#waiting.splice(at, 1)[0]?.leave();
  }
}
