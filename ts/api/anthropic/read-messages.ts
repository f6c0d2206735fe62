import { OmgError } from '../../errors/index.ts';
import { type ChatMessage, exactJson, type ToolCall } from '../../inference/index.ts';
import { type Adaptations, asText, FILE_LEFT_OUT, IMAGE_LEFT_OUT, pairToolResults } from '../wire/index.ts';
import type { Block, PromptBody, WireMessage } from './schema.ts';

/** System text and messages as the chat core has them. Throws `invalid_request`; media throw `unsupported`. */
export function readMessages(
  { system, messages: wire }: Pick<PromptBody, 'system' | 'messages'>,
  adaptations: Adaptations,
): ChatMessage[] {
  const reading = new Reading(adaptations);
  const rules = system === undefined ? '' : reading.textOf(withoutBilling(system), 'system');
  const messages: ChatMessage[] = rules === '' ? [] : [{ role: 'system', content: rules }];
  for (const [index, message] of wire.entries()) messages.push(...reading.message(message, `messages[${index}]`));
  pairToolResults(messages);
  return messages;
}

/**
 * Claude Code begins its system text with a line for Anthropic's billing. Its value is another in every request, so a prompt that began with it
 * would have nothing in common with the one before; and it tells a model nothing.
 */
const BILLING = /^x-anthropic-billing-header:[^\n]*\n?/;

function withoutBilling(system: NonNullable<PromptBody['system']>): NonNullable<PromptBody['system']> {
  if (typeof system === 'string') return system.replace(BILLING, '');
  return system.map((block) =>
    block.type === 'text' && typeof block.text === 'string'
      ? { ...block, text: block.text.replace(BILLING, '') }
      : block,
  );
}

/** Blocks of tools that Anthropic's servers run, and other blocks of history that only they can read. */
const FOREIGN =
  /^(server_tool_use|mcp_tool_use|\w+_tool_result|tool_reference|search_result|container_upload|compaction|web_search_result|advisor\w*)$/;

class Reading {
  readonly #adaptations: Adaptations;

  constructor(adaptations: Adaptations) {
    this.#adaptations = adaptations;
  }

  message({ role, content }: WireMessage, param: string): ChatMessage[] {
    if (typeof content === 'string') return [{ role, content }];
    if (role === 'assistant') return [this.#assistant(content, `${param}.content`)];
    const results: ChatMessage[] = [];
    let text = '';
    let spoke = false;
    for (const [index, block] of content.entries()) {
      const path = `${param}.content[${index}]`;
      if (block.type === 'tool_result' && role === 'user') results.push(this.#result(block, path));
      else {
        text += this.#blockText(block, path, false);
        spoke = true;
      }
    }
    // What the tools said comes before what the user says to it.
    return spoke || results.length === 0 ? [...results, { role, content: text }] : results;
  }

  /** A string, or blocks that are all text, joined. */
  textOf(content: unknown, param: string, fromTool = false): string {
    if (typeof content === 'string') return content;
    if (!Array.isArray(content)) throw invalid(param, 'must be a string or a list of blocks');
    return content.map((block: unknown, index) => this.#blockText(block, `${param}[${index}]`, fromTool)).join('');
  }

  #assistant(blocks: Block[], param: string): ChatMessage {
    const toolCalls: ToolCall[] = [];
    let content = '';
    let reasoning = '';
    for (const [index, block] of blocks.entries()) {
      const path = `${param}[${index}]`;
      if (block.type === 'thinking') reasoning += requireText(block.thinking ?? '', `${path}.thinking`);
      else if (block.type === 'tool_use') toolCalls.push(toolUse(block, path));
      // Thoughts that only their author can read say nothing to another model.
      else if (block.type !== 'redacted_thinking') content += this.#blockText(block, path, false);
    }
    return {
      role: 'assistant',
      content,
      ...(reasoning === '' ? {} : { reasoning }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
    };
  }

  #result(block: Block, param: string): ChatMessage {
    const { content } = block;
    const text = content === undefined || content === null ? '' : this.textOf(content, `${param}.content`, true);
    // Templates have no place for the flag; the model should still know.
    const failed = block.is_error === true && !/error/i.test(text);
    return {
      role: 'tool',
      content: failed ? `Error: ${text}` : text,
      toolCallId: requireText(block.tool_use_id, `${param}.tool_use_id`),
    };
  }

  #blockText(block: unknown, param: string, fromTool: boolean): string {
    if (typeof block !== 'object' || block === null || !('type' in block)) throw invalid(param, 'must be a block');
    if (block.type === 'text') return requireText('text' in block ? block.text : undefined, `${param}.text`);
    if (block.type === 'document') return this.#documentText(block, param, fromTool);
    if (block.type === 'image') {
      // A tool may show what it likes; the model that asked is told that it cannot see it.
      if (!fromTool) throw new OmgError('unsupported', 'The model does not take images.', { detail: { param } });
      this.#adaptations.note('images-left-out');
      return IMAGE_LEFT_OUT;
    }
    if (!FOREIGN.test(String(block.type))) {
      throw invalid(param, `a block of type "${String(block.type)}" is not supported here`);
    }
    this.#adaptations.note('items-as-text');
    return asText(block);
  }

  #documentText(block: object, param: string, fromTool: boolean): string {
    const source: unknown = 'source' in block ? block.source : undefined;
    if (typeof source === 'object' && source !== null && 'type' in source) {
      if (source.type === 'text' && 'data' in source) return requireText(source.data, `${param}.source.data`);
      if (source.type === 'content' && 'content' in source) {
        return this.textOf(source.content, `${param}.source.content`, fromTool);
      }
    }
    if (!fromTool) throw new OmgError('unsupported', 'Of documents only plain text is taken.', { detail: { param } });
    this.#adaptations.note('files-left-out');
    return FILE_LEFT_OUT;
  }
}

function toolUse({ id, name, input }: Block, param: string): ToolCall {
  return {
    id: requireText(id, `${param}.id`),
    name: requireText(name, `${param}.name`),
    // Of a call that was cut off or malformed, clients send back what they could read of it, which may be no object.
    arguments: typeof input === 'string' ? input : exactJson(input ?? {}),
  };
}

function requireText(value: unknown, param: string): string {
  if (typeof value === 'string') return value;
  throw invalid(param, 'must be a string');
}

function invalid(param: string, text: string): OmgError {
  return new OmgError('invalid_request', `${param}: ${text}`, { detail: { param } });
}
