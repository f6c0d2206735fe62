import { type ErrorCode, OmgError } from '../errors/index.ts';
import type { ChatEvent, ReadText, WorkEvent } from '../inference/index.ts';
import type { Clock } from './clock.ts';

/** What one request came to. All durations count from its arrival, so they hold the wait and the load. */
export interface RequestRecord {
  model: string;
  /** The kind of work: `completion`, `embedding`, `reranking`. */
  mode: string;
  outcome: 'ok' | ErrorCode;
  promptTokens: number;
  completionTokens: number;
  durationMs: number;
  /** Absent when no token came. */
  firstTokenMs?: number;
}

/** Called once per request, when it has ended. Must not throw. */
export type RequestObserver = (record: RequestRecord) => void;

/** Follows one request's events, whatever the kind of its work; per event it adds and compares numbers only. */
export class RequestMeter {
  readonly #model: string;
  readonly #clock: Clock;
  readonly #mode: string;
  readonly #arrivedMs: number;
  #promptTokens = 0;
  #completionTokens = 0;
  #firstTokenMs: number | undefined;
  /** Who leaves before the last event has cancelled. */
  #outcome: RequestRecord['outcome'] = 'cancelled';

  constructor(model: string, clock: Clock, mode = 'completion') {
    this.#model = model;
    this.#clock = clock;
    this.#mode = mode;
    this.#arrivedMs = clock.now();
  }

  /** Since the request's arrival. */
  get elapsedMs(): number {
    return this.#clock.now() - this.#arrivedMs;
  }

  see(event: WorkEvent | ChatEvent): void {
    if (event.type === 'start') {
      this.#promptTokens = event.promptTokens;
    } else if (event.type === 'end') {
      this.#outcome = 'reason' in event && event.reason === 'cancelled' ? 'cancelled' : 'ok';
      if ('usage' in event) {
        this.#promptTokens = event.usage.promptTokens;
        this.#completionTokens = event.usage.completionTokens;
      } else if ('texts' in event) {
        this.#promptTokens = promptTokens(event.texts);
      }
    } else {
      this.#firstTokenMs ??= this.elapsedMs;
      if ('tokens' in event) this.#completionTokens += event.tokens;
    }
  }

  fail(error: unknown): void {
    this.#outcome = OmgError.from(error).code;
  }

  record(): RequestRecord {
    return {
      model: this.#model,
      mode: this.#mode,
      outcome: this.#outcome,
      promptTokens: this.#promptTokens,
      completionTokens: this.#completionTokens,
      durationMs: this.elapsedMs,
      ...(this.#firstTokenMs === undefined ? {} : { firstTokenMs: this.#firstTokenMs }),
    };
  }
}

export function promptTokens(texts: readonly ReadText[]): number {
  return texts.reduce((sum, text) => sum + text.promptTokens, 0);
}
