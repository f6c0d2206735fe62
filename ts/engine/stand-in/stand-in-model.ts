import { OmgError } from '../../errors/index.ts';
import {
  type GenerateEvent,
  type GenerateRequest,
  type LoadedModel,
  type LoadedModelInfo,
  NATIVE_CAPABILITIES,
  type PromptSegment,
  type RunnerExit,
  type ServingEngine,
  type WorkEvent,
  type WorkKind,
  type WorkRequest,
} from '../../inference/index.ts';
import { standInEmbeddings, standInScores } from './embed.ts';
import { standInEvents } from './generation.ts';
import type { StandInGeneration, StandInLoad, StandInScript } from './script.ts';
import { StandInVocabulary } from './vocabulary.ts';

type Verbs = {
  [Kind in WorkKind]: (request: WorkRequest<Kind>, signal?: AbortSignal) => AsyncIterable<WorkEvent<Kind>>;
};

/** A loaded stand-in: one "process" that generates by its script, crashes and unloads. */
export class StandInModel implements LoadedModel {
  readonly info: LoadedModelInfo;
  readonly engine: ServingEngine;
  readonly gone: Promise<RunnerExit>;
  readonly path: string;
  readonly #generations: StandInGeneration[];
  readonly #record: StandInLoad;
  readonly #script: StandInScript;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #vocabulary = new StandInVocabulary();
  readonly #active = new Map<AbortController, Promise<void>>();
  readonly #work: Verbs = {
    generate: (request, signal) => this.#generate(request, signal),
    embed: (request, signal) =>
      this.#once(signal, () => {
        const width = this.#script.header?.embeddingLength ?? 64;
        return standInEmbeddings(request, this.#vocabulary, this.info.contextLength, width);
      }),
    score: (request, signal) => this.#once(signal, () => standInScores(request, this.info.contextLength)),
  };
  #leave: (exit: RunnerExit) => void = () => {};
  #unloading = false;

  constructor(
    generations: StandInGeneration[],
    path: string,
    info: LoadedModelInfo,
    record: StandInLoad,
    script: StandInScript,
    sleepFor: (ms: number, signal: AbortSignal) => Promise<void>,
  ) {
    this.#generations = generations;
    this.path = path;
    this.info = info;
    this.engine = { kind: 'native', version: 'stand-in', capabilities: NATIVE_CAPABILITIES };
    this.#record = record;
    this.#script = script;
    this.#sleep = sleepFor;
    this.gone = new Promise((resolve) => {
      this.#leave = resolve;
    });
  }

  async tokenize(prompt: PromptSegment[]): Promise<number[]> {
    this.#assertAlive();
    return this.#vocabulary.tokenize(prompt);
  }

  async detokenize(tokens: number[]): Promise<string> {
    this.#assertAlive();
    return this.#vocabulary.detokenize(tokens);
  }

  run<Kind extends WorkKind>(
    kind: Kind,
    request: WorkRequest<Kind>,
    signal?: AbortSignal,
  ): AsyncIterable<WorkEvent<Kind>> {
    return this.#work[kind](request, signal);
  }

  /** Work that answers once. */
  async *#once<Event>(signal: AbortSignal = new AbortController().signal, answer: () => Event): AsyncGenerator<Event> {
    this.#assertAlive();
    if (this.#script.generateError) throw this.#script.generateError;
    await this.#sleep(this.#script.prefillMs ?? 0, signal);
    if (signal.aborted) throw new OmgError('cancelled', 'The request was cancelled.');
    yield answer();
  }

  async *#generate(request: GenerateRequest, signal?: AbortSignal): AsyncGenerator<GenerateEvent> {
    this.#assertAlive();
    const promptText = request.prompt
      .map((segment) => (segment.kind === 'text' ? segment.text : this.#vocabulary.detokenize(segment.tokens)))
      .join('');
    const record: StandInGeneration = { path: this.path, request, promptText, state: 'prefill', tokens: 0 };
    const first = this.#generations.push(record) === 1;
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    let done: () => void = () => {};
    this.#active.set(controller, new Promise((resolve) => (done = resolve)));
    const script =
      this.#script.crashAfter && !this.#script.crashAfter.always && !first
        ? { ...this.#script, crashAfter: undefined }
        : this.#script;
    try {
      yield* standInEvents({
        script,
        request,
        record,
        vocabulary: this.#vocabulary,
        contextLength: this.info.contextLength,
        signal: controller.signal,
        crash: () => this.crash(),
        sleep: this.#sleep,
      });
    } finally {
      if (record.state === 'prefill' || record.state === 'decoding') record.state = 'cancelled';
      signal?.removeEventListener('abort', abort);
      this.#active.delete(controller);
      done();
    }
  }

  crash(): void {
    this.#record.state = 'crashed';
    const message = 'The stand-in runner was killed.';
    for (const controller of this.#active.keys()) controller.abort(new OmgError('runner_crashed', message));
    this.#leave({ reason: 'crashed', message });
  }

  async unload(): Promise<void> {
    this.#unloading = true;
    await Promise.all(this.#active.values());
    if (this.#record.state === 'loaded') this.#record.state = 'unloaded';
    this.#leave({ reason: 'unloaded' });
  }

  #assertAlive(): void {
    if (this.#record.state !== 'loaded' || this.#unloading) {
      throw new OmgError('runner_crashed', 'The model is no longer loaded.');
    }
  }
}
