import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import type {
  Embeddings,
  EmbedRequest,
  GenerateEvent,
  GenerateRequest,
  LoadedModel,
  LoadedModelInfo,
  PromptSegment,
  ReadText,
  RunnerExit,
  ScoreRequest,
  Scores,
  ServingEngine,
  WorkEvent,
  WorkKind,
  WorkRequest,
} from '../../inference/index.ts';
import { bytesOf, type Endpoint, exchange, exchangeJson, RefusedExchange, sseData } from '../http/index.ts';
import type { SupervisedChild } from '../supervised-child.ts';
import { completionBody, completionEvents, llamaServerError, tooLong } from './completion.ts';

/** How long an unload waits for the process after it was asked to end. */
const STOP_MS = 5_000;

export interface LlamaServerParts {
  at: Endpoint;
  child: SupervisedChild;
  info: LoadedModelInfo;
  engine: ServingEngine;
  /** What the tokenizer puts around a text by itself. */
  prefix: number[];
  suffix: number[];
  /** Removes what was made for it. */
  cleanUp: () => Promise<void>;
}

const tokensSchema = z.object({ tokens: z.array(z.number()) });
const contentSchema = z.object({ content: z.string() });
const embeddingsSchema = z.object({ data: z.array(z.object({ index: z.number(), embedding: z.array(z.number()) })) });
const rerankSchema = z.object({ results: z.array(z.object({ index: z.number(), relevance_score: z.number() })) });

type Verbs = {
  [Kind in WorkKind]: (request: WorkRequest<Kind>, signal?: AbortSignal) => AsyncIterable<WorkEvent<Kind>>;
};

/** A model that a llama-server of ours serves. */
export class LlamaServerModel implements LoadedModel {
  readonly info: LoadedModelInfo;
  readonly engine: ServingEngine;
  readonly gone: Promise<RunnerExit>;
  readonly #parts: LlamaServerParts;
  readonly #running = new Set<Promise<void>>();
  readonly #work: Verbs = {
    generate: (request, signal) => this.#generate(request, signal),
    embed: (request, signal) => this.#embed(request, signal),
    score: (request, signal) => this.#score(request, signal),
  };
  #unloaded: Promise<void> | undefined;

  constructor(parts: LlamaServerParts) {
    this.#parts = parts;
    this.info = parts.info;
    this.engine = parts.engine;
    this.gone = parts.child.ended.then(async ({ code, signal }) => {
      await parts.cleanUp();
      return this.#unloaded === undefined
        ? { reason: 'crashed', message: `llama-server ended with ${signal ?? `exit code ${code}`}.` }
        : { reason: 'unloaded' };
    });
  }

  get pid(): number | undefined {
    return this.#parts.child.pid;
  }

  async tokenize(prompt: PromptSegment[], signal?: AbortSignal): Promise<number[]> {
    const parts: number[] = [];
    for (const segment of prompt) {
      // Not spread: a prompt may have more tokens than a call has arguments.
      for (const token of segment.kind === 'tokens' ? segment.tokens : await this.#tokensOf(segment, signal))
        parts.push(token);
    }
    const { prefix, suffix } = this.#parts;
    const whole = prefix.every((token, at) => parts[at] === token) ? parts : prefix.concat(parts);
    return suffix.every((token, at) => whole[whole.length - suffix.length + at] === token)
      ? whole
      : whole.concat(suffix);
  }

  async detokenize(tokens: number[], signal?: AbortSignal): Promise<string> {
    return contentSchema.parse(await this.#ask('/detokenize', { tokens }, signal)).content;
  }

  async *run<Kind extends WorkKind>(
    kind: Kind,
    request: WorkRequest<Kind>,
    signal?: AbortSignal,
  ): AsyncGenerator<WorkEvent<Kind>> {
    if (signal?.aborted) throw new OmgError('cancelled', 'The request was cancelled.');
    if (this.#unloaded !== undefined) throw new OmgError('runner_crashed', 'The model is being unloaded.');
    const done = Promise.withResolvers<void>();
    this.#running.add(done.promise);
    try {
      yield* this.#work[kind](request, signal);
    } catch (error) {
      throw await this.#explained(error);
    } finally {
      this.#running.delete(done.promise);
      done.resolve();
    }
  }

  unload(): Promise<void> {
    this.#unloaded ??= this.#unload();
    return this.#unloaded;
  }

  async #unload(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#parts.child.stop(STOP_MS);
    await this.gone;
  }

  /** Ends the process at once. */
  kill(): void {
    this.#unloaded ??= this.gone.then(() => {});
    this.#parts.child.kill();
  }

  async *#generate(request: GenerateRequest, signal?: AbortSignal): AsyncGenerator<GenerateEvent> {
    const tokens = await this.tokenize(request.prompt, signal);
    const { contextLength } = this.info;
    if (tokens.length >= contextLength) throw tooLong(tokens.length, contextLength);
    const promptTokens = tokens.length;
    const body = completionBody(request, tokens);
    const began = performance.now();
    let counted = 0;
    // The connection is closed with the reader's loop, which frees the slot.
    const leave = new AbortController();
    const both = signal === undefined ? leave.signal : AbortSignal.any([signal, leave.signal]);
    try {
      const reply = await exchange(this.#parts.at, { path: '/completion', body, signal: both });
      const queueMs = performance.now() - began;
      const events = completionEvents(sseData(bytesOf(this.#parts.at, reply, both)), {
        request,
        promptTokens,
        contextLength,
        queueMs,
      });
      for await (const event of events) {
        if (event.type === 'text') counted += event.tokens;
        yield event;
      }
    } catch (error) {
      if (!signal?.aborted) throw error;
      yield {
        type: 'end',
        reason: 'cancelled',
        usage: { promptTokens, cachedTokens: 0, completionTokens: counted },
        timings: { queueMs: 0, prefillMs: 0, decodeMs: performance.now() - began },
      };
    } finally {
      leave.abort();
    }
  }

  async *#embed(request: EmbedRequest, signal?: AbortSignal): AsyncGenerator<Embeddings> {
    const texts: ReadText[] = [];
    const input: number[][] = [];
    for (const [index, text] of request.texts.entries()) {
      const tokens = await this.tokenize(text, signal);
      const fits = tokens.length <= this.info.contextLength;
      if (!fits && !request.truncate) throw tooLong(tokens.length, this.info.contextLength, { index });
      const { suffix } = this.#parts;
      const read = fits ? tokens : tokens.slice(0, this.info.contextLength - suffix.length).concat(suffix);
      texts.push({ promptTokens: read.length, truncated: !fits });
      input.push(read);
    }
    const { data } = embeddingsSchema.parse(
      await this.#ask('/v1/embeddings', { input, encoding_format: 'float' }, signal),
    );
    const inOrder = data.sort((a, b) => a.index - b.index).map(({ embedding }) => embedding);
    const width = inOrder[0]?.length ?? 0;
    const dimensions = Math.min(request.dimensions ?? width, width);
    const vectors = new Float32Array(inOrder.length * dimensions);
    for (const [index, vector] of inOrder.entries()) {
      const cut = vector.slice(0, dimensions);
      const length = request.normalize === false ? 1 : Math.hypot(...cut) || 1;
      for (const [at, value] of cut.entries()) vectors[index * dimensions + at] = value / length;
    }
    yield { type: 'end', dimensions, vectors, texts };
  }

  async *#score({ query, documents }: ScoreRequest, signal?: AbortSignal): AsyncGenerator<Scores> {
    const { results } = rerankSchema.parse(await this.#ask('/v1/rerank', { query, documents }, signal));
    const scores = new Array<number>(documents.length).fill(0);
    for (const { index, relevance_score } of results) scores[index] = relevance_score;
    const texts: ReadText[] = [];
    for (const document of documents) {
      const tokens = await this.#tokensOf({ kind: 'text', text: `${query}${document}`, parseSpecial: false }, signal);
      texts.push({ promptTokens: tokens.length, truncated: false });
    }
    yield { type: 'end', scores, texts };
  }

  async #tokensOf(
    { text, parseSpecial }: Extract<PromptSegment, { kind: 'text' }>,
    signal?: AbortSignal,
  ): Promise<number[]> {
    if (text === '') return [];
    const body = { content: text.toWellFormed(), add_special: false, parse_special: parseSpecial };
    return tokensSchema.parse(await this.#ask('/tokenize', body, signal)).tokens;
  }

  #ask(path: string, body: object, signal?: AbortSignal): Promise<unknown> {
    return exchangeJson(this.#parts.at, { path, body, ...(signal === undefined ? {} : { signal }) });
  }

  /** A process that has ended explains why it does not answer; what it refuses has one of our codes. */
  async #explained(error: unknown): Promise<unknown> {
    if (error instanceof RefusedExchange) return llamaServerError(error.body, error.status);
    if (error instanceof z.ZodError) {
      return new OmgError('engine_error', 'llama-server answered in a form that is not understood.', { cause: error });
    }
    if (!(error instanceof OmgError) || error.code !== 'engine_unavailable') return error;
    const soon = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 500).unref());
    const exit = await Promise.race([this.#parts.child.ended, soon]);
    if (exit === undefined) return error;
    const said = exit.output.trimEnd().split('\n').at(-1);
    return new OmgError(
      'runner_crashed',
      `llama-server ended unexpectedly (${exit.signal ?? `exit code ${exit.code}`})${said ? `: ${said}` : '.'}`,
      { hint: 'Try again; `omg logs` has its last words.', detail: { code: exit.code, signal: exit.signal } },
    );
  }
}
