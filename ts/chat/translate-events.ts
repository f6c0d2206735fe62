import type { ChatEvent, GenerateEvent } from '../inference/index.ts';
import type { ChatFormat } from './chat-format.ts';

export async function* translateEvents(
  events: AsyncIterable<GenerateEvent>,
  _format: ChatFormat,
): AsyncGenerator<ChatEvent> {
  for await (const event of events) {
    if (event.type === 'start')
      yield { type: 'start', promptTokens: event.promptTokens, cachedTokens: event.cachedTokens };
    else if (event.type === 'text') yield { ...event, type: 'content' };
    else yield { ...event, usage: { ...event.usage, reasoningTokens: 0 } };
  }
}
