import { OmgError } from '../../errors/index.ts';
import type { ChatMessage } from '../../inference/index.ts';
import { type Adaptations, IMAGE_LEFT_OUT, NestedJson, pairToolResults } from '../wire/index.ts';
import type { OpenAiMessage } from './chat-schema.ts';

const ROLES = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
} as const;

/** Messages of the wire as the chat core has them. Throws `invalid_request`; media throw `unsupported`. */
export function toChatMessages(wire: OpenAiMessage[], adaptations: Adaptations): ChatMessage[] {
  const nested = new NestedJson();
  const messages = wire.map((message, index) => toChatMessage(message, `messages[${index}]`, nested, adaptations));
  pairToolResults(messages);
  return messages;
}

function toChatMessage(
  message: OpenAiMessage,
  param: string,
  nested: NestedJson,
  adaptations: Adaptations,
): ChatMessage {
  const legacy = message.function_call === undefined ? [] : [{ id: undefined, function: message.function_call }];
  const calls = [...(message.tool_calls ?? []), ...legacy];
  // Answers that are thoughts alone, and tools that say nothing, come back without content.
  if (message.content === undefined && calls.length === 0 && ROLES[message.role] === 'user') {
    throw invalid(`${param}.content`, 'content is required; what a user says may not be null');
  }
  const reasoning = message.reasoning ?? message.reasoning_content;
  return {
    role: ROLES[message.role],
    content: textOf(message, `${param}.content`, adaptations),
    ...((message.content ?? undefined) === undefined && calls.length > 0 ? { contentAbsent: true } : {}),
    ...(reasoning ? { reasoning } : {}),
    ...(calls.length > 0
      ? {
          toolCalls: calls.map((call, index) => ({
            id: call.id ?? `call_${param}_${index}`,
            ...('custom' in call
              ? // Made by another service: templates know functions only.
                { name: call.custom.name, arguments: JSON.stringify({ input: call.custom.input }) }
              : {
                  name: call.function.name,
                  arguments: nested.argumentText(
                    call.function.arguments ?? '',
                    `${param}.tool_calls[${index}].function.arguments`,
                  ),
                }),
          })),
        }
      : {}),
    ...(message.tool_call_id === undefined ? {} : { toolCallId: message.tool_call_id }),
    ...(message.role === 'function' && message.name !== undefined ? { toolName: message.name } : {}),
  };
}

/** The parts of one message stay one message. */
function textOf({ role, content }: OpenAiMessage, param: string, adaptations: Adaptations): string {
  if (content === undefined || typeof content === 'string') return content ?? '';
  return content
    .map((part, index) => {
      const text = part.type === 'refusal' ? part.refusal : part.text;
      if ((part.type === 'text' || part.type === 'refusal') && typeof text === 'string') return text;
      // A tool may show what it likes; the model that asked is told that it cannot see it.
      if (part.type === 'image_url' && ROLES[role] === 'tool') {
        adaptations.note('images-left-out');
        return IMAGE_LEFT_OUT;
      }
      if (part.type === 'image_url' || part.type === 'input_audio') {
        throw new OmgError(
          'unsupported',
          `The model does not take ${part.type === 'image_url' ? 'images' : 'audio'}.`,
          {
            detail: { param: `${param}[${index}]` },
          },
        );
      }
      throw invalid(`${param}[${index}]`, `unknown content part "${part.type}"`);
    })
    .join('');
}

function invalid(param: string, text: string): OmgError {
  return new OmgError('invalid_request', `${param}: ${text}`, { detail: { param } });
}
