import { createHash } from 'node:crypto';
import type { CacheMiss, ChatEvent, ChatRequest, LoadedModel, PromptSegment } from '../inference/index.ts';

interface Remembered {
  segments: PromptSegment[];
  characters: number;
  tokens: number;
}

/** Characters of all prompts that are remembered. */
const MOST_CHARACTERS = 16 * 2 ** 20;
/** Tokens. The cache keeps whole blocks, and the end of a prompt is written anew when the answer to it comes back. */
const TOLERANCE = 96;

/**
 * The last prompt of each conversation, to say where the next one of it departs from it when the cache could not be used. A conversation is told
 * by its model and by what its user said first.
 */
export class PromptHistory {
  readonly #mostCharacters: number;
  /** The oldest first. */
  readonly #prompts = new Map<string, Remembered>();
  #characters = 0;

  constructor({ mostCharacters = MOST_CHARACTERS } = {}) {
    this.#mostCharacters = mostCharacters;
  }

  get characters(): number {
    return this.#characters;
  }

  /** Passes the events of an answer on; the last one says why the cache was not used, where it could have been. */
  async *watch(
    events: AsyncIterable<ChatEvent>,
    { conversation, segments, model }: { conversation: string; segments: PromptSegment[]; model: LoadedModel },
  ): AsyncGenerator<ChatEvent> {
    let miss: Promise<CacheMiss | undefined> | undefined;
    for await (const event of events) {
      if (event.type === 'start') {
        const before = this.#prompts.get(conversation);
        this.#remember(conversation, segments, event.promptTokens);
        // The comparison goes on beside the answer, and an answer does not fail for it.
        if (before !== undefined && before.tokens - event.cachedTokens > TOLERANCE) {
          miss = compare(model, before, segments, event.cachedTokens).catch(() => undefined);
        }
      }
      const cacheMiss = event.type === 'end' ? await miss : undefined;
      yield cacheMiss === undefined ? event : ({ ...event, cacheMiss } as ChatEvent);
    }
  }

  #remember(conversation: string, segments: PromptSegment[], tokens: number): void {
    this.#forget(conversation);
    const characters = segments.reduce((sum, segment) => sum + (segment.kind === 'text' ? segment.text.length : 0), 0);
    if (characters > this.#mostCharacters / 2) return;
    this.#prompts.set(conversation, { segments, characters, tokens });
    this.#characters += characters;
    for (const oldest of this.#prompts.keys()) {
      if (this.#characters <= this.#mostCharacters) break;
      this.#forget(oldest);
    }
  }

  #forget(conversation: string): void {
    this.#characters -= this.#prompts.get(conversation)?.characters ?? 0;
    this.#prompts.delete(conversation);
  }
}

/** Names a conversation of a model by what its user said first. */
export function conversationKey(modelDigest: string, { messages }: ChatRequest): string {
  const first = messages.find(({ role }) => role === 'user')?.content ?? '';
  return createHash('sha256').update(`${modelDigest}\n`).update(first).digest('base64');
}

/** Undefined where the cache held all that the prompts have in common. */
async function compare(
  model: LoadedModel,
  before: Remembered,
  segments: PromptSegment[],
  cachedTokens: number,
): Promise<CacheMiss | undefined> {
  const [earlier, now] = await Promise.all([model.tokenize(before.segments), model.tokenize(segments)]);
  let same = 0;
  while (same < earlier.length && earlier[same] === now[same]) same += 1;
  if (same - cachedTokens > TOLERANCE) return { reason: 'evicted', firstDifferingToken: same };
  return earlier.length - same > TOLERANCE ? { reason: 'prompt_changed', firstDifferingToken: same } : undefined;
}
