import { OmgError } from '../errors/index.ts';
import type { ChatMessage, ChatRequest } from '../inference/index.ts';
import type { RenderedPrompt } from './chat-templates.ts';

export interface FittedPrompt {
  prompt: RenderedPrompt;
  dropped: { messages: number; tokens: number };
}

export interface FitOptions {
  contextLength: number;
  render: (request: ChatRequest) => Promise<RenderedPrompt>;
  countTokens: (prompt: RenderedPrompt) => Promise<number>;
}

/** Room left for the answer when turns have to be dropped anyway, as a share of the window. */
const ANSWER_SHARE = 0.25;
const ANSWER_TOKENS = 512;

/**
 * Drops whole oldest turns until the prompt fits: a call goes with its results; system messages, tools and everything from the last user
 * message on stay. Throws `context_length_exceeded` when what has to stay is too long.
 */
export async function dropTurns(request: ChatRequest, options: FitOptions): Promise<FittedPrompt> {
  const { contextLength, render, countTokens } = options;
  const turns = droppableTurns(request.messages);
  const wholeTokens = await countTokens(await render(request));
  const answer = Math.min(request.maxTokens ?? ANSWER_TOKENS, ANSWER_TOKENS, Math.floor(contextLength * ANSWER_SHARE));
  const attempt = async (count: number): Promise<{ prompt: RenderedPrompt; tokens: number; messages: number }> => {
    const gone = new Set(turns.slice(0, count).flat());
    const messages = request.messages.filter((_, at) => !gone.has(at));
    const prompt = await render({ ...request, messages });
    return { prompt, tokens: await countTokens(prompt), messages: gone.size };
  };

  // The fewest turns whose absence leaves room for an answer; tokens fall as turns go, so halving finds it.
  let low = 1;
  let high = turns.length;
  let best: Awaited<ReturnType<typeof attempt>> | undefined;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const tried = await attempt(middle);
    const fits = tried.tokens + answer <= contextLength || (middle === turns.length && tried.tokens < contextLength);
    if (fits) {
      best = tried;
      high = middle - 1;
    } else {
      low = middle + 1;
    }
  }
  if (best === undefined) {
    const kept = turns.length === 0 ? wholeTokens : (await attempt(turns.length)).tokens;
    throw new OmgError(
      'context_length_exceeded',
      `The part of the conversation that has to stay has ${kept} tokens, the context window ${contextLength}.`,
      {
        hint: 'Shorten the last message, or load the model with a larger context length.',
        detail: { promptTokens: kept, contextLength },
      },
    );
  }
  return { prompt: best.prompt, dropped: { messages: best.messages, tokens: wholeTokens - best.tokens } };
}

/** Indices of the messages of each turn that may go, oldest first. A turn begins with a user message. */
export function droppableTurns(messages: ChatMessage[]): number[][] {
  const lastUser = messages.findLastIndex((message) => message.role === 'user');
  const turns: number[][] = [];
  for (let at = 0; at < lastUser; at++) {
    const role = messages[at]?.role;
    if (role === 'system') continue;
    const current = turns.at(-1);
    if (role === 'user' || current === undefined) turns.push([at]);
    else current.push(at);
  }
  return turns;
}
