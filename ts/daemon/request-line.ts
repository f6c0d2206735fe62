import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestRecord } from '../lifecycle/index.ts';

/** What models did within one HTTP request, so that one line of the log tells of both. */
export class RequestLine {
  readonly #records: RequestRecord[] = [];
  #open = 0;
  #write: ((fields: object) => void) | undefined;

  /** A model begins to answer. What is given is called when it has ended. */
  begin(): (record: RequestRecord) => void {
    this.#open++;
    return (record) => {
      this.#records.push(record);
      this.#open--;
      this.#settle();
    };
  }

  /** The response is over. The line waits for what still ends, as where a client left before its answer was complete. */
  end(write: (fields: object) => void): void {
    this.#write = write;
    this.#settle();
  }

  #settle(): void {
    if (this.#open > 0) return;
    this.#write?.(this.#fields());
    this.#write = undefined;
  }

  /** Model, outcome and tokens: those of several choices or texts added up, the outcome that of the first that failed. */
  #fields(): object {
    const [first] = this.#records;
    if (first === undefined) return {};
    const failed = this.#records.find(({ outcome }) => outcome !== 'ok');
    return answerFields({
      ...first,
      outcome: failed?.outcome ?? 'ok',
      promptTokens: this.#sum('promptTokens'),
      completionTokens: this.#sum('completionTokens'),
    });
  }

  #sum(field: 'promptTokens' | 'completionTokens'): number {
    return this.#records.reduce((sum, record) => sum + record[field], 0);
  }
}

export function answerFields({ model, mode, outcome, promptTokens, completionTokens }: RequestRecord): object {
  return { model, mode, outcome, prompt_tokens: promptTokens, completion_tokens: completionTokens };
}

const current = new AsyncLocalStorage<RequestLine>();

/**
 * Calls `tell` once for each request, when its response is complete or its client has gone, with what models did for it. The context of a line
 * begins with the handler: the events of a request's body run outside that of its hooks.
 */
export function installRequestLines(
  app: FastifyInstance,
  tell: (request: FastifyRequest, reply: FastifyReply, answer: object) => void,
): void {
  const lines = new WeakMap<FastifyRequest, RequestLine>();
  app.addHook('onRequest', (request, reply, done) => {
    const line = new RequestLine();
    lines.set(request, line);
    // 'finish' does not come where the client went first.
    reply.raw.once('close', () => line.end((answer) => tell(request, reply, answer)));
    done();
  });
  app.addHook('preHandler', (request, _reply, done) => {
    const line = lines.get(request);
    if (line === undefined) done();
    else current.run(line, done);
  });
}

/** The line of the HTTP request that is being handled; undefined outside of one. */
export function currentRequestLine(): RequestLine | undefined {
  return current.getStore();
}
