import { OmgError } from '../../errors/index.ts';
import type { ChatMessage, ToolCall } from '../../inference/index.ts';
import { pairToolResults } from '../wire/index.ts';
import type { Block, PromptBody, WireMessage } from './schema.ts';

/** System text and messages as the chat core has them. Throws `invalid_request`; media throw `unsupported`. */
export function readMessages({ system, messages: wire }: Pick<PromptBody, 'system' | 'messages'>): ChatMessage[] {
  const rules = system === undefined ? '' : textOf(system, 'system');
  const messages: ChatMessage[] = rules === '' ? [] : [{ role: 'system', content: rules }];
  for (const [index, message] of wire.entries()) messages.push(...readMessage(message, `messages[${index}]`));
  pairToolResults(messages);
  return messages;
}

function readMessage({ role, content }: WireMessage, param: string): ChatMessage[] {
  if (typeof content === 'string') return [{ role, content }];
  if (role === 'assistant') return [assistantMessage(content, `${param}.content`)];
  const results: ChatMessage[] = [];
  let text = '';
  let spoke = false;
  for (const [index, block] of content.entries()) {
    const path = `${param}.content[${index}]`;
    if (block.type === 'tool_result' && role === 'user') results.push(toolResult(block, path));
    else {
      text += blockText(block, path);
      spoke = true;
    }
  }
  // What the tools said comes before what the user says to it.
  return spoke || results.length === 0 ? [...results, { role, content: text }] : results;
}

function assistantMessage(blocks: Block[], param: string): ChatMessage {
  const toolCalls: ToolCall[] = [];
  let content = '';
  let reasoning = '';
  for (const [index, block] of blocks.entries()) {
    const path = `${param}[${index}]`;
    if (block.type === 'thinking') reasoning += requireText(block.thinking, `${path}.thinking`);
    else if (block.type === 'tool_use') toolCalls.push(toolUse(block, path));
    // Thoughts that only their author can read say nothing to another model.
    else if (block.type !== 'redacted_thinking') content += blockText(block, path);
  }
  return {
    role: 'assistant',
    content,
    ...(reasoning === '' ? {} : { reasoning }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  };
}

function toolUse(block: Block, param: string): ToolCall {
  const { id, name, input = {} } = block;
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw invalid(`${param}.input`, 'must be an object');
  }
  return {
    id: requireText(id, `${param}.id`),
    name: requireText(name, `${param}.name`),
    arguments: JSON.stringify(input),
  };
}

function toolResult(block: Block, param: string): ChatMessage {
  const text = block.content === undefined || block.content === null ? '' : textOf(block.content, `${param}.content`);
  // Templates have no place for the flag; the model should still know.
  const failed = block.is_error === true && !/error/i.test(text);
  return {
    role: 'tool',
    content: failed ? `Error: ${text}` : text,
    toolCallId: requireText(block.tool_use_id, `${param}.tool_use_id`),
  };
}

/** A string, or blocks that are all text, joined. */
function textOf(content: unknown, param: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw invalid(param, 'must be a string or a list of blocks');
  return content.map((block: unknown, index) => blockText(block, `${param}[${index}]`)).join('');
}

function blockText(block: unknown, param: string): string {
  if (typeof block !== 'object' || block === null || !('type' in block)) throw invalid(param, 'must be a block');
  if (block.type === 'text') return requireText('text' in block ? block.text : undefined, `${param}.text`);
  if (block.type === 'document') return documentText(block, param);
  if (block.type === 'image') {
    throw new OmgError('unsupported', 'The model does not take images.', { detail: { param } });
  }
  throw invalid(param, `a block of type "${String(block.type)}" is not supported here`);
}

function documentText(block: object, param: string): string {
  const source: unknown = 'source' in block ? block.source : undefined;
  if (typeof source === 'object' && source !== null && 'type' in source) {
    if (source.type === 'text' && 'data' in source) return requireText(source.data, `${param}.source.data`);
    if (source.type === 'content' && 'content' in source) return textOf(source.content, `${param}.source.content`);
  }
  throw new OmgError('unsupported', 'Of documents only plain text is taken.', { detail: { param } });
}

function requireText(value: unknown, param: string): string {
  if (typeof value === 'string') return value;
  throw invalid(param, 'must be a string');
}

function invalid(param: string, text: string): OmgError {
  return new OmgError('invalid_request', `${param}: ${text}`, { detail: { param } });
}
