import { OmgError } from '../errors/index.ts';
import {
  exactJson,
  type LoadedModel,
  type LoadedModelInfo,
  NATIVE_CAPABILITIES,
  type PromptSegment,
  type RunnerExit,
  type ServingEngine,
  type WorkEvent,
  type WorkKind,
  type WorkRequest,
} from '../inference/index.ts';
import type { RunnerProcess } from './runner-process.ts';

/** How long an unload may take after the last request before the process is ended anyway. */
const UNLOAD_PATIENCE_MS = 10_000;

/** Work that was cancelled has to end within one step; a process that lets it run for so long hangs. */
const CANCEL_PATIENCE_MS = 120_000;

/** A model in its own process. */
export class RunnerModel implements LoadedModel {
  readonly info: LoadedModelInfo;
  readonly engine: ServingEngine;
  readonly gone: Promise<RunnerExit>;
  readonly #process: RunnerProcess;
  /** What an unload has to wait for: calls, and work until the engine is done with it. */
  readonly #running = new Set<Promise<unknown>>();
  #unloaded: Promise<void> | undefined;

  constructor(process: RunnerProcess, info: LoadedModelInfo, version: string) {
    this.#process = process;
    this.info = info;
    this.engine = { kind: 'native', version, capabilities: NATIVE_CAPABILITIES };
    this.gone = process.ended.then(({ code, signal }) =>
      this.#unloaded !== undefined
        ? { reason: 'unloaded' }
        : { reason: 'crashed', message: `The runner ended with ${signal ?? `exit code ${code}`}.` },
    );
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  tokenize(prompt: PromptSegment[], signal?: AbortSignal): Promise<number[]> {
    return this.#track(this.#process.call('tokenize', { prompt: wellFormed(prompt) }, { signal }));
  }

  detokenize(tokens: number[], signal?: AbortSignal): Promise<string> {
    return this.#track(this.#process.call('detokenize', { tokens }, { signal }));
  }

  async *run<Kind extends WorkKind>(
    kind: Kind,
    request: WorkRequest<Kind>,
    signal?: AbortSignal,
  ): AsyncGenerator<WorkEvent<Kind>> {
    if (signal?.aborted) throw new OmgError('cancelled', 'The request was cancelled.');
    if (this.#unloaded !== undefined) throw new OmgError('runner_crashed', 'The model is being unloaded.');
    const { attachments = [], ...fields } = request;
    const batches: WorkEvent<Kind>[][] = [];
    let wake: () => void = () => {};
    let finished = false;
    let failure: OmgError | undefined;
    let settled: () => void = () => {};
    const running = this.#track(
      new Promise<void>((resolve) => {
        settled = resolve;
      }),
    );
    const finish = (error?: OmgError): void => {
      finished = true;
      failure = error;
      settled();
      wake();
    };
    const id = this.#process.open(
      { id: 0, op: 'work', request: requestText(kind, fields), attachments },
      {
        events: (events) => {
          batches.push(events as WorkEvent<Kind>[]);
          wake();
        },
        progress: () => {},
        ok: () => finish(),
        fail: finish,
      },
    );
    const cancel = (): void => {
      if (finished) return;
      this.#process.signal('cancel', id);
      const patience = setTimeout(() => this.#process.kill(), CANCEL_PATIENCE_MS);
      patience.unref();
      void running.then(() => clearTimeout(patience));
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      for (;;) {
        const batch = batches.shift();
        if (batch !== undefined) {
          // Asked for before the reader is done with this one, so that the hop costs no time.
          this.#process.signal('more', id);
          yield* batch;
        } else if (failure !== undefined) {
          throw failure;
        } else if (finished) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      signal?.removeEventListener('abort', cancel);
      cancel();
    }
  }

  unload(): Promise<void> {
    this.#unloaded ??= this.#unload();
    return this.#unloaded;
  }

  /** Ends the process at once. */
  kill(): void {
    this.#unloaded ??= this.#process.ended.then(() => {});
    this.#process.kill();
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const done = (): boolean => this.#running.delete(work);
    this.#running.add(work);
    work.then(done, done);
    return work;
  }

  async #unload(): Promise<void> {
    await Promise.allSettled(this.#running);
    const patience = setTimeout(() => this.#process.kill(), UNLOAD_PATIENCE_MS);
    // The end of the process gives the memory back; the addon's own unload only lets it finish in order.
    await this.#process.call('unload', {}).catch(() => {});
    clearTimeout(patience);
    this.#process.kill();
    await this.#process.ended;
  }
}

/** JSON may bring halves of surrogate pairs, which no tokenizer knows: each becomes the replacement character. */
function wellFormed(prompt: PromptSegment[]): PromptSegment[] {
  return prompt.map((segment) =>
    segment.kind === 'text' ? { ...segment, text: segment.text.toWellFormed() } : segment,
  );
}

/** JSON text, in which numbers and keys of a schema stay as they were written, without halves of surrogate pairs. */
function requestText(kind: WorkKind, request: object): string {
  if ('grammar' in request && request.grammar !== undefined) return exactJson({ kind, request });
  const text = JSON.stringify({ kind, request });
  // Such a half is written as an escape; as the text of an escape in a string has it too, this is only a reason to look.
  return text.includes('\\ud') ? exactJson({ kind, request }) : text;
}
