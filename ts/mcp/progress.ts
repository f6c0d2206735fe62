import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';

export type CallExtra = RequestHandlerExtra<ServerRequest, ServerNotification>;

export interface ProgressUpdate {
  progress: number;
  total?: number;
  message?: string;
}

const LEAST_GAP_MS = 100;
/** Silence for so long is broken: clients extend their patience with every notification. */
const SILENCE_MS = 5000;
/** The protocol wants every number to be larger than the last. */
const STEP = 0.001;

/** Progress notifications of one call; nothing where the caller asked for none. */
export class Progress {
  readonly #extra: CallExtra;
  #latest: ProgressUpdate = { progress: 0 };
  #sent = -STEP;
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(extra: CallExtra) {
    this.#extra = extra;
    this.#wait(SILENCE_MS);
  }

  /** Says where things stand, at most ten times a second; of several, the last is sent. Numbers that do not rise are raised. */
  report(update: ProgressUpdate): void {
    this.#latest = update;
    const gap = performance.now() - this.#sentAt;
    if (gap >= LEAST_GAP_MS) this.#send();
    else this.#wait(LEAST_GAP_MS - gap);
  }

  /** Ends the reports; called once the call has its result. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed || this.#extra._meta?.progressToken === undefined) return;
    this.#timer = setTimeout(() => this.#send(), ms);
    this.#timer.unref();
  }

  #send(): void {
    const progressToken = this.#extra._meta?.progressToken;
    if (progressToken === undefined || this.#isClosed || this.#extra.signal.aborted) return;
    const { progress, total, message } = this.#latest;
    this.#sentAt = performance.now();
    this.#sent = Math.max(progress, this.#sent + STEP);
    const params = {
      progressToken,
      progress: this.#sent,
      ...(total === undefined ? {} : { total }),
      ...(message === undefined ? {} : { message }),
    };
    // Whoever is gone needs no report; the call itself ends with its signal.
    this.#extra.sendNotification({ method: 'notifications/progress', params }).catch(() => {});
    this.#wait(SILENCE_MS);
  }
}
