import {
  type BoundedRequest,
  type ChatTemplates,
  dropTurns,
  limitReasoning,
  type RenderedPrompt,
  translateEvents,
} from '../chat/index.ts';
import { OmgError } from '../errors/index.ts';
import type { ChatEvent, ChatRequest, GenerateEvent, GenerateRequest, LoadedModel } from '../inference/index.ts';
import { contentDigest } from '../library/index.ts';
import type { OpenedModel } from './model-directory.ts';
import { mergeSampling, mergeStop } from './model-parameters.ts';
import { conversationKey, type PromptHistory } from './prompt-history.ts';

export interface ChatWork {
  templates: ChatTemplates;
  opened: OpenedModel;
  request: ChatRequest;
  /** What had to go before anything could be done with the request. */
  dropped: BoundedRequest['dropped'];
  /** Of the whole request. */
  prompt: RenderedPrompt;
  model: LoadedModel;
  history: PromptHistory;
  /** Generates with the model. */
  run: (request: GenerateRequest) => AsyncIterable<GenerateEvent>;
  signal: AbortSignal;
}

/** Runs one chat request on a loaded model: prompt, over-long policy, events. */
export async function* runChat(work: ChatWork): AsyncGenerator<ChatEvent> {
  const { opened, request, prompt, model, run } = work;
  const announce = (event: ChatEvent, more: BoundedRequest['dropped'], { adapted }: RenderedPrompt): ChatEvent => {
    if (event.type !== 'start') return event;
    const messages = work.dropped.messages + more.messages;
    const tokens = work.dropped.tokens + more.tokens;
    return {
      ...event,
      ...(messages > 0 ? { dropped: { messages, tokens } } : {}),
      ...(adapted.length > 0 ? { adapted } : {}),
    };
  };
  const conversation = conversationKey(contentDigest(opened.record), request);
  const told = (events: AsyncIterable<GenerateEvent>, { segments, format }: RenderedPrompt): AsyncIterable<ChatEvent> =>
    work.history.watch(translateEvents(events, format), { conversation, segments, model });
  const { maxReasoningTokens: budget } = request;
  // They tell which text is which token's, so that thoughts end where their budget does.
  const topLogprobs = ({ format }: RenderedPrompt): number | undefined =>
    request.topLogprobs ?? (budget === undefined || format.reasoning === undefined ? undefined : 0);
  const generate = (rendered: RenderedPrompt): AsyncIterable<GenerateEvent> =>
    limitReasoning(
      (segments, maxTokens, thought) => {
        const asked = { ...request, maxTokens, topLogprobs: topLogprobs(rendered) };
        return run(generateRequest(opened, asked, { ...rendered, segments }, thought));
      },
      rendered,
      { budget, maxTokens: request.maxTokens, hideLogprobs: request.topLogprobs === undefined },
    );
  const first = await firstOf(generate(prompt)[Symbol.asyncIterator](), request.onOverflow === 'drop-turns');
  if (!('tooLong' in first)) {
    const none = { messages: 0, tokens: 0 };
    for await (const event of told(first.events, prompt)) yield announce(event, none, prompt);
    return;
  }
  const fitted = await shorten(work);
  for await (const event of told(generate(fitted.prompt), fitted.prompt)) {
    yield announce(event, fitted.dropped, fitted.prompt);
  }
}

type Shortened = Pick<ChatWork, 'templates' | 'opened' | 'request' | 'model' | 'signal'>;

/** The prompt of a request whose turns may be dropped, without those that the window has no room for. */
export async function fittedPrompt(work: Shortened & Pick<ChatWork, 'prompt'>): Promise<RenderedPrompt> {
  const { model, prompt } = work;
  const tokens = await unlessLeft(work.signal, () => model.tokenize(prompt.segments, work.signal));
  return tokens.length < model.info.contextLength ? prompt : (await shorten(work)).prompt;
}

function shorten({ templates, opened, request, model, signal }: Shortened): ReturnType<typeof dropTurns> {
  return dropTurns(request, {
    contextLength: model.info.contextLength,
    // Each try reads the whole conversation, and the place with the model is given back with the last one.
    render: (shorter) => unlessLeft(signal, () => templates.render(opened.header, shorter, signal)),
    countTokens: ({ segments }) => unlessLeft(signal, async () => (await model.tokenize(segments, signal)).length),
  });
}

/** The outcome of work whose caller is there; `cancelled` as soon as it is not. */
async function unlessLeft<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw left();
  const gone = Promise.withResolvers<never>();
  const onAbort = (): void => gone.reject(left());
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(), gone.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function left(): OmgError {
  return new OmgError('cancelled', 'The request was cancelled.');
}

function generateRequest(
  opened: OpenedModel,
  request: ChatRequest,
  prompt: RenderedPrompt,
  thought: boolean,
): GenerateRequest {
  const { parameters } = opened.details;
  const grammar = thought ? prompt.grammarAfterThoughts : prompt.grammar;
  return {
    prompt: prompt.segments,
    sampling: mergeSampling(request.sampling, parameters),
    stop: mergeStop(request.stop, parameters),
    ...(request.maxTokens === undefined ? {} : { maxTokens: request.maxTokens }),
    ...(request.topLogprobs === undefined ? {} : { topLogprobs: request.topLogprobs }),
    ...(prompt.format.keepSpecialTokens ? { keepSpecialTokens: true } : {}),
    ...(grammar === undefined ? {} : { grammar }),
  };
}

/** The events with the first one already asked for, as that is where a prompt that is too long shows. */
async function firstOf(
  iterator: AsyncIterator<GenerateEvent>,
  expectTooLong: boolean,
): Promise<{ events: AsyncIterable<GenerateEvent> } | { tooLong: true }> {
  let first: IteratorResult<GenerateEvent> | undefined;
  try {
    first = await iterator.next();
  } catch (error) {
    if (expectTooLong && error instanceof OmgError && error.code === 'context_length_exceeded')
      return { tooLong: true };
    throw error;
  }
  async function* all(): AsyncGenerator<GenerateEvent> {
    try {
      for (let next = first; next !== undefined && !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { events: all() };
}
