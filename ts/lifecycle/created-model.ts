import type { ChatHeader } from '../chat/index.ts';
import type { ChatMessage, ChatRequest } from '../inference/index.ts';
import type { InstallRecord } from '../library/index.ts';

type Profiled = Pick<InstallRecord, 'profile'>;

/** The header with the template of the model's profile in place of its own. */
export function headerWithProfile<Header extends ChatHeader>(header: Header, { profile }: Profiled): Header {
  const template = profile?.template;
  if (template === undefined) return header;
  const metadata = Object.fromEntries(
    Object.entries(header.metadata).filter(([key]) => !key.startsWith('tokenizer.chat_template')),
  );
  return { ...header, metadata, chatTemplate: template };
}

/** The chat as the model's profile has it: its system text where the request has none, its messages in front of the request's. */
export function chatWithProfile(request: ChatRequest, { profile }: Profiled): ChatRequest {
  const { system, messages = [] } = profile ?? {};
  if (!system && messages.length === 0) return request;
  const others = request.messages.findIndex(({ role }) => role !== 'system');
  const at = others < 0 ? request.messages.length : others;
  const leading: ChatMessage[] =
    at > 0 || !system ? request.messages.slice(0, at) : [{ role: 'system', content: system }];
  return { ...request, messages: [...leading, ...messages, ...request.messages.slice(at)] };
}
