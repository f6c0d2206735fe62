import type { ChatRequest } from '../../inference/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import { parseBody } from '../wire/index.ts';
import { toChatRequest } from './chat-request.ts';
import { chatSchema } from './chat-schema.ts';

/** A chat body as the request it stands for, for routes that do not answer it. */
export async function readChat(models: Models, body: unknown): Promise<{ name: string; request: ChatRequest }> {
  const chat = parseBody(chatSchema, body);
  return { name: chat.model, request: toChatRequest(chat, await models.resolve(chat.model)).request };
}
