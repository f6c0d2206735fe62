import type { GenerateEvent, GenerateRequest, LoadedModel } from '../inference/index.ts';

/** An answer without a limit of its own ends after so many windows: a model that repeats itself would go on for ever. */
const MOST_WINDOWS = 10;

/**
 * One generation that does not end with its window: whenever that is full, it goes on behind the first `keepTokens` of the prompt and the
 * newest half of what follows them. Reads as one generation: one start, one end, usage and timings of all.
 */
export async function* slideWindow(
  model: LoadedModel,
  request: GenerateRequest,
  keepTokens: number,
  signal: AbortSignal,
): AsyncGenerator<GenerateEvent> {
  const { contextLength } = model.info;
  const most = request.maxTokens ?? MOST_WINDOWS * contextLength;
  let current = request;
  let began: Extract<GenerateEvent, { type: 'start' }> | undefined;
  let written = 0;
  let prefillMs = 0;
  let decodeMs = 0;
  for (;;) {
    let text = '';
    for await (const event of model.run('generate', { ...current, maxTokens: most - written }, signal)) {
      if (event.type === 'start') {
        if (began === undefined) yield event;
        began ??= event;
      } else if (event.type === 'text') {
        text += event.text;
        yield event;
      } else {
        written += event.usage.completionTokens;
        prefillMs += event.timings.prefillMs;
        decodeMs += event.timings.decodeMs;
        if (event.windowFull !== true || text === '' || written >= most) {
          const { promptTokens, cachedTokens } = began ?? event.usage;
          yield {
            ...event,
            usage: { promptTokens, cachedTokens, completionTokens: written },
            timings: { queueMs: event.timings.queueMs, prefillMs, decodeMs },
          };
          return;
        }
      }
    }
    // A source that stops without its end is told by whoever reads this.
    if (text === '') return;
    const parseSpecial = request.keepSpecialTokens === true;
    const tokens = await model.tokenize([...current.prompt, { kind: 'text', text, parseSpecial }], signal);
    const keep = Math.min(keepTokens, contextLength >> 2);
    const newest = (contextLength - keep) >> 1;
    const kept = [...tokens.slice(0, keep), ...tokens.slice(Math.max(keep, tokens.length - newest))];
    current = { ...request, prompt: [{ kind: 'tokens', tokens: kept }] };
  }
}
