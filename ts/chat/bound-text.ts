import { OmgError } from '../errors/index.ts';
import type { ChatMessage, ChatRequest } from '../inference/index.ts';
import { droppableTurns } from './fit-window.ts';

/** Characters. A million tokens of ordinary text are half of it, and handing it to the template's process takes some 20 ms. */
const LONGEST_TEXT = 8 * 2 ** 20;
/** The longest tokens of today's vocabularies are 128 characters, and no text is made of these alone. */
const CHARACTERS_PER_TOKEN = 256;
/** For models whose files name no window. */
const SMALLEST_WINDOW = 8_192;
/** What one value costs besides its text, so that a million empty ones count, too. */
const PER_VALUE = 8;

export interface BoundedRequest {
  request: ChatRequest;
  /** What had to go, oldest turns first; only where the request says that turns may. `tokens` is an estimate: nothing has read them. */
  dropped: { messages: number; tokens: number };
}

const CHARACTERS_PER_DROPPED_TOKEN = 4;

/**
 * The request with no more text than its window could hold if every token were a long one. It comes before everything else that is done
 * with the text, and costs little. Throws `context_length_exceeded`.
 */
export function boundText(request: ChatRequest, contextLength: number): BoundedRequest {
  const most = Math.min(LONGEST_TEXT, Math.max(contextLength, SMALLEST_WINDOW) * CHARACTERS_PER_TOKEN);
  const { messages, tools, templateVariables, suffix } = request;
  const lengths = messages.map((message) => textLength(message, most));
  let left = textLength([tools, templateVariables, suffix], most) + lengths.reduce((sum, length) => sum + length, 0);
  if (left <= most) return { request, dropped: { messages: 0, tokens: 0 } };
  const gone = new Set<ChatMessage>();
  let characters = 0;
  for (const turn of request.onOverflow === 'drop-turns' ? droppableTurns(messages) : []) {
    if (left <= most) break;
    for (const at of turn) {
      const message = messages[at];
      if (message === undefined) continue;
      gone.add(message);
      left -= lengths[at] ?? 0;
      characters += lengths[at] ?? 0;
    }
  }
  if (left > most) throw tooLong(most, contextLength, request.onOverflow === 'drop-turns');
  return {
    request: { ...request, messages: messages.filter((message) => !gone.has(message)) },
    dropped: { messages: gone.size, tokens: Math.ceil(characters / CHARACTERS_PER_DROPPED_TOKEN) },
  };
}

/** Characters of all text in a JSON-like value, keys too; counting stops beyond `most`. */
function textLength(value: unknown, most: number): number {
  let length = 0;
  const open: unknown[] = [value];
  while (open.length > 0 && length <= most) {
    const current = open.pop();
    length += PER_VALUE;
    if (typeof current === 'string') length += current.length;
    else if (Array.isArray(current)) {
      if (current.length > most) return current.length;
      for (const item of current) open.push(item);
    } else if (typeof current === 'object' && current !== null) {
      for (const [key, item] of Object.entries(current)) {
        length += key.length;
        open.push(item);
      }
    }
  }
  return length;
}

function tooLong(most: number, contextLength: number, dropped: boolean): OmgError {
  const what = dropped ? 'The part of the conversation that has to stay' : 'The conversation';
  return new OmgError(
    'context_length_exceeded',
    `${what} has more than ${most} characters, and the context window ${contextLength} tokens.`,
    {
      hint: 'Shorten the messages or the tools, or load the model with a larger context length.',
      detail: { contextLength },
    },
  );
}
