import type { CompletionBody } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { chatBodyOf } from './options.ts';
import type { Conversation } from './state.ts';

/** The model is one that only goes on with a text. */
export function isWithoutTemplate(error: unknown): boolean {
  return error instanceof OmgError && error.code === 'no_chat_template';
}

/** The last message, as text to go on with: such a model knows no roles and no turns. */
export function completionPrompt(conversation: Conversation): CompletionBody {
  const { model, options, keep_alive } = chatBodyOf(conversation);
  const prompt = conversation.messages.at(-1)?.content ?? '';
  return {
    model,
    prompt,
    ...(options === undefined ? {} : { options }),
    ...(keep_alive === undefined ? {} : { keep_alive }),
  };
}
