import { OmgError } from '../errors/index.ts';
import type { GenerateEvent, PromptSegment, TokenLogprob } from '../inference/index.ts';
import { ReasoningSplitter, type ReasoningTags } from './answer/reasoning-splitter.ts';
import type { RenderedPrompt } from './chat-templates.ts';

/** Runs a prompt; `maxTokens` is for this run. `thought`: the prompt ends behind the thoughts, no more may follow. */
export type Run = (
  segments: PromptSegment[],
  maxTokens: number | undefined,
  thought: boolean,
) => AsyncIterable<GenerateEvent>;

export interface ReasoningLimit {
  /**
   * Tokens the model may think; then its span is closed for it. Exact where events say which text is which token's (`logprobs`),
   * else at the first event past it.
   */
  budget: number | undefined;
  /** The logprobs of events are for the budget only and are taken off them. */
  hideLogprobs?: boolean;
  /** Of the whole answer. */
  maxTokens: number | undefined;
}

/**
 * The events of one answer in which the model thinks no longer than the budget: then its thoughts so far are closed, and
 * the answer is generated after them. Reads as one generation: one start, one end, usage and timings of both.
 */
export async function* limitReasoning(
  run: Run,
  { segments, format }: RenderedPrompt,
  { budget, maxTokens, hideLogprobs = false }: ReasoningLimit,
): AsyncGenerator<GenerateEvent> {
  const tags = format.reasoning;
  if (budget === undefined || tags === undefined) {
    yield* run(segments, maxTokens, false);
    return;
  }
  const splitter = new ReasoningSplitter(tags, format.reasoningOpened);
  const began = performance.now();
  let started = began;
  let start: Extract<GenerateEvent, { type: 'start' }> | undefined;
  let text = '';
  let tokens = 0;
  let thought = 0;
  let cut = false;
  const shown = (event: GenerateEvent): GenerateEvent =>
    hideLogprobs && event.type === 'text' ? { type: 'text', text: event.text, tokens: event.tokens } : event;
  for await (const whole of run(segments, maxTokens, false)) {
    // Several tokens at once may go past the budget in their middle.
    const event = whole.type === 'text' && splitter.inReasoning ? firstTokens(whole, budget - thought) : whole;
    yield shown(event);
    if (event.type === 'start') {
      start = event;
      started = performance.now();
    } else if (event.type === 'text') {
      const before = splitter.inReasoning;
      splitter.push(event.text);
      text += event.text;
      tokens += event.tokens;
      if (before || splitter.inReasoning) thought += event.tokens;
      cut = splitter.inReasoning && thought >= budget && tokens < (maxTokens ?? Number.POSITIVE_INFINITY);
      if (cut) break;
    }
  }
  if (!cut || start === undefined) return;
  yield { type: 'text', text: closingOf(tags), tokens: 0 };
  const decodeMs = performance.now() - started;
  const ahead = { prefillMs: started - began, decodeMs };
  const left = maxTokens === undefined ? undefined : maxTokens - tokens;
  const { promptTokens, cachedTokens } = start;
  const usageWith = (more: number) => ({ promptTokens, cachedTokens, completionTokens: tokens + more });
  try {
    for await (const event of run([...segments, ...closed(text, tags)], left, true)) {
      if (event.type === 'text') yield shown(event);
      else if (event.type === 'end') {
        yield {
          ...event,
          usage: usageWith(event.usage.completionTokens),
          timings: {
            queueMs: event.timings.queueMs,
            prefillMs: ahead.prefillMs + event.timings.prefillMs,
            decodeMs: ahead.decodeMs + event.timings.decodeMs,
          },
        };
      }
    }
  } catch (error) {
    if (!(error instanceof OmgError) || error.code !== 'context_length_exceeded') throw error;
    // The thoughts have filled the window: what no token fits after has ended.
    yield { type: 'end', reason: 'length', windowFull: true, usage: usageWith(0), timings: { queueMs: 0, ...ahead } };
  }
}

type TextEvent = Extract<GenerateEvent, { type: 'text' }>;

/** An event cut after its first tokens, where it says which text is theirs; a character that they hold in part goes with the rest. */
function firstTokens(event: TextEvent, count: number): TextEvent {
  const { logprobs } = event;
  if (logprobs === undefined || logprobs.length !== event.tokens || count >= event.tokens) return event;
  const textOf = (tokens: TokenLogprob[]): string =>
    new TextDecoder().decode(Uint8Array.from(tokens.flatMap(({ bytes }) => bytes)), { stream: true });
  // A character that began in the event before is in no token of this one alone.
  if (textOf(logprobs) !== event.text) return event;
  const kept = logprobs.slice(0, Math.max(0, count));
  return { ...event, text: textOf(kept), tokens: kept.length, logprobs: kept };
}

/** The thoughts as the model wrote them, with its own tags as tags and everything else as mere text. */
function closed(text: string, tags: ReasoningTags): PromptSegment[] {
  const { open } = tags;
  const at = text.trimStart().startsWith(open) ? text.indexOf(open) + open.length : 0;
  return [
    ...(at === 0 ? [] : [{ kind: 'text' as const, text: text.slice(0, at), parseSpecial: true }]),
    { kind: 'text', text: text.slice(at), parseSpecial: false },
    { kind: 'text', text: closingOf(tags), parseSpecial: true },
  ];
}

function closingOf({ close, closing }: ReasoningTags): string {
  return closing ?? `\n${close}\n\n`;
}
