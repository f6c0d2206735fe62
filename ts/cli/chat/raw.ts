import type { ChatBody, ChatPiece, Client, CompletionBody } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { chatBodyOf } from './options.ts';
import type { Conversation } from './state.ts';

/**
 * The model's answer. One without a chat template continues the last message as text, which `onRaw` is told of first; where the answer has to fit
 * a format, its error is thrown.
 */
export async function* answerOf(
  client: Client,
  conversation: Conversation,
  signal: AbortSignal,
  { responseFormat, onRaw }: { responseFormat?: ChatBody['response_format']; onRaw: () => void },
): AsyncGenerator<ChatPiece> {
  try {
    yield* client.chat({ ...chatBodyOf(conversation), response_format: responseFormat }, signal);
  } catch (error) {
    const isRaw = error instanceof OmgError && error.code === 'no_chat_template';
    if (!isRaw || responseFormat !== undefined) throw error;
    onRaw();
    yield* client.complete(completionPrompt(conversation), signal);
  }
}

/** The last message, as text to go on with: such a model knows no roles and no turns. */
function completionPrompt(conversation: Conversation): CompletionBody {
  const { model, options, keep_alive } = chatBodyOf(conversation);
  const prompt = conversation.messages.at(-1)?.content ?? '';
  return {
    model,
    prompt,
    ...(options === undefined ? {} : { options }),
    ...(keep_alive === undefined ? {} : { keep_alive }),
  };
}
