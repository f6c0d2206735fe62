import { OmgError } from '../../errors/index.ts';
import type { GenerateEvent, GenerateRequest } from '../../inference/index.ts';
import type { Models, UseOptions } from '../../lifecycle/index.ts';

/** A completion as Ollama does it: the prompt is a user message, the answer's content the text. Token prompts stay as they are. */
export async function* templatedCompletion(
  models: Models,
  name: string,
  request: GenerateRequest,
  use: UseOptions,
): AsyncGenerator<GenerateEvent> {
  const segment = request.prompt[0];
  if (segment?.kind !== 'text') {
    throw new OmgError('unsupported', 'Token prompts cannot go through the chat template.', {
      hint: 'Set compat.templated_completions = false.',
      detail: { param: 'prompt' },
    });
  }
  const { sampling, stop, maxTokens, topLogprobs, grammar } = request;
  const messages = [{ role: 'user' as const, content: segment.text }];
  for await (const event of models.chat(
    name,
    { messages, think: false, sampling, stop, maxTokens, topLogprobs, outputFormat: grammar, onOverflow: 'error' },
    use,
  )) {
    if (event.type === 'content') yield { ...event, type: 'text' };
    else if (event.type === 'start')
      yield { type: 'start', promptTokens: event.promptTokens, cachedTokens: event.cachedTokens };
    else if (event.type === 'end') yield { ...event, reason: event.reason === 'tool-calls' ? 'stop' : event.reason };
  }
}
