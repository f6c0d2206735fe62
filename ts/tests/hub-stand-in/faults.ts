/** What goes wrong with a request. The first rule that matches and has times left is used, and loses one. */
export interface Fault {
  /** Which of the two hosts; absent: both. */
  host?: 'hub' | 'storage';
  /** Matched against path and query. */
  path?: RegExp;
  /** Lets so many matching requests pass first. */
  after?: number;
  /** Default 1; Infinity for always. */
  times?: number;

  /** Answers with this status instead, and with `headers` and `body`. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Cuts the connection after so many bytes of the body (0: before the headers). */
  cutAfterBytes?: number;
  /** Sends so many bytes of the body and then nothing more. */
  stallAfterBytes?: number;
  /** Sends no faster than this. */
  bytesPerSecond?: number;
  /** Waits before the headers. */
  delayMs?: number;
  /** Sends other bytes than the file has, as many of them. */
  wrongContent?: boolean;
  /** Claims this length, whatever is sent. */
  contentLength?: number;
  /** Sends the whole file with 200, as servers do that know no ranges. */
  ignoreRange?: boolean;
  /** Answers 206 with bytes from the beginning of the file. */
  wrongRange?: boolean;
}

export class FaultPlan {
  #rules: { fault: Fault; skip: number; left: number }[] = [];

  add(fault: Fault): void {
    this.#rules.push({ fault, skip: fault.after ?? 0, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#rules = [];
  }

  take(host: 'hub' | 'storage', path: string): Fault {
    for (const rule of this.#rules) {
      const { fault } = rule;
      if (rule.left <= 0 || (fault.host !== undefined && fault.host !== host)) continue;
      if (fault.path !== undefined && !fault.path.test(path)) continue;
      if (rule.skip > 0) {
        rule.skip--;
        continue;
      }
      rule.left--;
      return fault;
    }
    return {};
  }
}
