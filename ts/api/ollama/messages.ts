import { OmgError } from '../../errors/index.ts';
import { type ChatMessage, exactJson, type ToolDefinition } from '../../inference/index.ts';
import { unsupportedCapability } from '../../lifecycle/index.ts';
import { type Adaptations, IMAGE_LEFT_OUT, NestedJson, pairToolResults } from '../wire/index.ts';
import type { OllamaMessage, OllamaTool } from './schema.ts';

const ROLES = new Map<string, ChatMessage['role']>([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['tool', 'tool'],
]);

/** Messages of the wire as the chat core has them. Throws `invalid_request`; images throw `unsupported`. */
export function toChatMessages(wire: OllamaMessage[], modelName: string, adaptations: Adaptations): ChatMessage[] {
  const nested = new NestedJson();
  const messages = wire.map((message, index) => toChatMessage(message, index, { modelName, nested, adaptations }));
  pairToolResults(messages);
  return messages;
}

interface Reading {
  modelName: string;
  nested: NestedJson;
  adaptations: Adaptations;
}

function toChatMessage(message: OllamaMessage, index: number, reading: Reading): ChatMessage {
  const { modelName, nested, adaptations } = reading;
  const param = `messages[${index}]`;
  const role = ROLES.get(message.role.toLowerCase());
  if (role === undefined) {
    throw new OmgError('invalid_request', `${param}.role: invalid role "${message.role}"`, {
      detail: { param: `${param}.role` },
    });
  }
  const images = message.images?.length ?? 0;
  if (images > 0 && role !== 'tool') refuseImages(modelName, `${param}.images`);
  // A tool may show what it likes; the model that asked is told that it cannot see it.
  if (images > 0) adaptations.note('images-left-out');
  const text = textOf(message.content, `${param}.content`, modelName);
  return {
    role,
    content: images > 0 ? [text, IMAGE_LEFT_OUT].filter((part) => part !== '').join('\n') : text,
    ...(message.thinking ? { reasoning: message.thinking } : {}),
    ...(message.tool_calls && message.tool_calls.length > 0
      ? {
          toolCalls: message.tool_calls.map((call, position) => ({
            id: call.id ?? `call_${index}_${position}`,
            name: call.function.name,
            arguments: argumentText(
              call.function.arguments,
              `${param}.tool_calls[${position}].function.arguments`,
              nested,
            ),
          })),
        }
      : {}),
    ...(message.tool_call_id ? { toolCallId: message.tool_call_id } : {}),
    ...(message.tool_name ? { toolName: message.tool_name } : {}),
  };
}

/** OpenAI part arrays are taken too; the text parts of one message stay one message. */
function textOf(content: OllamaMessage['content'], param: string, modelName: string): string {
  if (content === undefined || typeof content === 'string') return content ?? '';
  return content
    .map((part, index) => {
      if (part.type === 'text' && typeof part.text === 'string') return part.text;
      if (part.type === 'image_url') return refuseImages(modelName, `${param}[${index}]`);
      throw new OmgError('invalid_request', `${param}[${index}]: unknown content part "${part.type}"`, {
        detail: { param: `${param}[${index}]` },
      });
    })
    .join('');
}

function argumentText(value: string | Record<string, unknown> | undefined, param: string, nested: NestedJson): string {
  if (typeof value === 'object') return exactJson(value);
  return nested.argumentText(value ?? '', param);
}

export function refuseImages(modelName: string, param: string): never {
  throw unsupportedCapability('vision', { name: modelName, param });
}

export function toToolDefinitions(tools: OllamaTool[] | undefined): ToolDefinition[] | undefined {
  if (tools === undefined || tools.length === 0) return undefined;
  return tools.map(({ function: definition }) => ({
    name: definition.name,
    ...(definition.description === undefined ? {} : { description: definition.description }),
    ...(definition.parameters === undefined ? {} : { parameters: definition.parameters }),
  }));
}
