import { type ErrorCode, OmgError } from '../errors/index.ts';
import type { ChatEvent, GenerateEvent } from '../inference/index.ts';
import type { Clock } from './clock.ts';

/** What one request came to. All durations count from its arrival, so they hold the wait and the load. */
export interface RequestRecord {
  model: string;
  mode: 'completion' | 'embedding' | 'reranking';
  outcome: 'ok' | ErrorCode;
  promptTokens: number;
  completionTokens: number;
  durationMs: number;
  /** Absent when no token came. */
  firstTokenMs?: number;
}

/** Called once per request, when it has ended. Must not throw. */
export type RequestObserver = (record: RequestRecord) => void;

/** Follows one request's events; per event it adds and compares numbers only. */
export class RequestMeter {
  readonly #model: string;
  readonly #clock: Clock;
  readonly #mode: RequestRecord['mode'];
  readonly #arrivedMs: number;
  #promptTokens = 0;
  #completionTokens = 0;
  #firstTokenMs: number | undefined;
  /** Who leaves before the last event has cancelled. */
  #outcome: RequestRecord['outcome'] = 'cancelled';

  constructor(model: string, clock: Clock, mode: RequestRecord['mode'] = 'completion') {
    this.#model = model;
    this.#clock = clock;
    this.#mode = mode;
    this.#arrivedMs = clock.now();
  }

  /** Since the request's arrival. */
  get elapsedMs(): number {
    return this.#clock.now() - this.#arrivedMs;
  }

  see(event: GenerateEvent | ChatEvent): void {
    if (event.type === 'start') {
      this.#promptTokens = event.promptTokens;
    } else if (event.type === 'end') {
      this.#promptTokens = event.usage.promptTokens;
      this.#completionTokens = event.usage.completionTokens;
      this.#outcome = event.reason === 'cancelled' ? 'cancelled' : 'ok';
    } else {
      this.#firstTokenMs ??= this.elapsedMs;
      if ('tokens' in event) this.#completionTokens += event.tokens;
    }
  }

  /** Of work that answers once. */
  done(promptTokens: number): void {
    this.#promptTokens = promptTokens;
    this.#outcome = 'ok';
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
