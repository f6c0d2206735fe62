import { OmgError } from '../../errors/index.ts';
import type { GenerateEvent, GenerateRequest, StopReason, TokenLogprob } from '../../inference/index.ts';
import { minimalAnswer } from './minimal-document.ts';
import type { StandInGeneration, StandInScript } from './script.ts';
import { pieces, type StandInVocabulary } from './vocabulary.ts';

export interface StandInRun {
  script: StandInScript;
  request: GenerateRequest;
  record: StandInGeneration;
  vocabulary: StandInVocabulary;
  contextLength: number;
  /** Aborted by the caller (`cancelled` end event) or by a crash (its reason is the error to throw). */
  signal: AbortSignal;
  crash: () => void;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** The events of one scripted generation, with the engine's rules: start first, stop strings held back, exactly one end. */
export async function* standInEvents(run: StandInRun): AsyncGenerator<GenerateEvent> {
  const { script, request, record, signal } = run;
  const promptTokens = run.vocabulary.tokenize(request.prompt);
  if (script.generateError) throw failed(record, script.generateError);
  if (promptTokens.length >= run.contextLength) throw failed(record, tooLong(promptTokens.length, run.contextLength));
  const began = Date.now();
  await pause(run, script.prefillMs ?? 0);
  const prefillMs = Date.now() - began;
  if (!signal.aborted) yield { type: 'start', promptTokens: promptTokens.length, cachedTokens: 0 };

  record.state = 'decoding';
  const room = run.contextLength - promptTokens.length;
  const limit = Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, room);
  const holder = new StopHolder(request.stop);
  let reason: StopReason = limit === 0 ? 'length' : 'stop';
  let stopSequence: string | undefined;
  let pending: TokenLogprob[] = [];
  let pendingTokens = 0;
  if (limit > 0) {
    for await (const piece of replyPieces(run)) {
      await pause(run, script.tokenMs ?? 0);
      if (signal.aborted) break;
      const at = record.tokens;
      if (script.failAfter?.tokens === at) throw failed(record, script.failAfter.error);
      if (script.crashAfter?.tokens === at) run.crash();
      if (signal.aborted) break;
      record.tokens += 1;
      pendingTokens += 1;
      if (request.topLogprobs !== undefined) pending.push(logprobOf(piece, run.vocabulary, request.topLogprobs));
      const { text, stop } = holder.push(piece);
      if (text !== '') {
        yield {
          type: 'text',
          text,
          tokens: pendingTokens,
          ...(request.topLogprobs === undefined ? {} : { logprobs: pending }),
        };
        pendingTokens = 0;
        pending = [];
      }
      stopSequence = stop;
      if (stop !== undefined) break;
      if (record.tokens >= limit) {
        reason = 'length';
        break;
      }
    }
  }
  if (signal.aborted) {
    if (signal.reason instanceof OmgError && signal.reason.code === 'runner_crashed')
      throw failed(record, signal.reason);
    reason = 'cancelled';
    record.state = 'cancelled';
  } else {
    record.state = 'finished';
    const rest = stopSequence === undefined ? holder.rest() : '';
    if (rest !== '') yield { type: 'text', text: rest, tokens: pendingTokens };
  }
  yield {
    type: 'end',
    reason,
    ...(stopSequence === undefined ? {} : { stopSequence }),
    ...(reason === 'length' && record.tokens >= room ? { windowFull: true } : {}),
    usage: { promptTokens: promptTokens.length, cachedTokens: 0, completionTokens: record.tokens },
    timings: { queueMs: 0, prefillMs, decodeMs: Math.max(0, Date.now() - began - prefillMs) },
  };
}

async function* replyPieces(run: StandInRun): AsyncGenerator<string> {
  const reply = run.script.reply ?? 'echo';
  if (typeof reply === 'function') yield* reply(run.request, run.record.promptText);
  else if (reply !== 'echo') yield* pieces(reply);
  else {
    const { grammar } = run.request;
    yield* pieces((grammar && minimalAnswer(grammar)) ?? run.record.promptText);
  }
}

async function pause(run: StandInRun, ms: number): Promise<void> {
  // Even without a delay each token gives way, as an engine in another process would.
  await run.sleep(ms, run.signal);
}

function failed(record: StandInGeneration, error: OmgError): OmgError {
  record.state = 'failed';
  return error;
}

function tooLong(promptTokens: number, contextLength: number): OmgError {
  return new OmgError(
    'context_length_exceeded',
    `The prompt has ${promptTokens} tokens, the context window ${contextLength}.`,
    { detail: { promptTokens, contextLength } },
  );
}

function logprobOf(piece: string, vocabulary: StandInVocabulary, alternatives: number): TokenLogprob {
  const chosen = {
    token: piece,
    tokenId: vocabulary.idOf(piece),
    logprob: -0.25,
    bytes: [...new TextEncoder().encode(piece)],
  };
  return { ...chosen, top: alternatives > 0 ? [chosen] : [] };
}

/** Holds back text that may be the beginning of a stop string. */
class StopHolder {
  readonly #stops: string[];
  #held = '';

  constructor(stops: string[]) {
    this.#stops = stops.filter((stop) => stop !== '');
  }

  push(piece: string): { text: string; stop?: string } {
    this.#held += piece;
    let first: { at: number; stop: string } | undefined;
    for (const stop of this.#stops) {
      const at = this.#held.indexOf(stop);
      if (at >= 0 && (first === undefined || at < first.at)) first = { at, stop };
    }
    if (first !== undefined) return { text: this.#held.slice(0, first.at), stop: first.stop };
    let keep = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, this.#held.length); length > keep; length--) {
        if (this.#held.endsWith(stop.slice(0, length))) keep = length;
      }
    }
    const text = this.#held.slice(0, this.#held.length - keep);
    this.#held = this.#held.slice(text.length);
    return { text };
  }

  rest(): string {
    return this.#held;
  }
}
