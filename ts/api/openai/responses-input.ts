import { OmgError } from '../../errors/index.ts';
import type { ChatMessage, ToolCall } from '../../inference/index.ts';
import {
  type Adaptations,
  asText,
  FILE_LEFT_OUT,
  IMAGE_LEFT_OUT,
  NestedJson,
  newId,
  pairToolResults,
} from '../wire/index.ts';
import { readEncrypted } from './responses-reasoning.ts';
import type { Item, ResponsesBody } from './responses-schema.ts';

/** An item with its id, as the lists of a response show it. */
export type InputItem = Item & { id: string };

/** Input as a list of items with ids; `find` gives what an item_reference names. Throws `invalid_request`. */
export function inputItems(input: ResponsesBody['input'], find: (id: string) => Item | undefined): InputItem[] {
  const items: Item[] =
    typeof input === 'string'
      ? [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }]
      : (input ?? []);
  const named = new Set<string>();
  return items.map((item, index) => {
    if (item.type !== 'item_reference') return withId(item);
    const id = typeof item.id === 'string' ? item.id : '';
    // A small request could stand for gigabytes otherwise.
    if (named.has(id)) throw invalid(`input[${index}].id`, 'the item is there twice');
    named.add(id);
    const found = find(id);
    if (found !== undefined) return withId(found);
    throw invalid(`input[${index}].id`, 'there is no such item, or it has expired; send the item itself');
  });
}

const PREFIXES = new Map([
  ['function_call', 'fc_'],
  ['function_call_output', 'fco_'],
  ['reasoning', 'rs_'],
]);

function withId(item: Item): InputItem {
  if (item.type === undefined || item.type === 'message') {
    const type = item.role === 'assistant' ? 'output_text' : 'input_text';
    const content = typeof item.content === 'string' ? [{ type, text: item.content }] : item.content;
    return { status: 'completed', ...item, type: 'message', content, id: idOf(item, 'msg_') };
  }
  const prefix = PREFIXES.get(item.type) ?? 'item_';
  return { ...item, id: idOf(item, prefix) };
}

function idOf({ id }: Item, prefix: string): string {
  return typeof id === 'string' && id !== '' ? id : newId(prefix);
}

/** Items of tools that are not offered to the model here. */
const FOREIGN = /^(mcp_\w+|\w+_call|\w+_call_output|tool_search_output|compaction|additional_tools)$/;

const ROLES = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant' } as const;

/**
 * The conversation of `before` with the items after it; an assistant's thoughts, words and calls become one message.
 * Throws `invalid_request`; media throw `unsupported`.
 */
export function addItems(
  before: readonly ChatMessage[],
  items: readonly Item[],
  adaptations: Adaptations,
): ChatMessage[] {
  const messages = [...before];
  const nested = new NestedJson();
  /** The lists of calls that were begun here, and may grow. */
  const own = new Set<ToolCall[]>();
  let reasoning = '';
  const assistant = (message: Partial<ChatMessage>): void => {
    messages.push({ role: 'assistant', content: '', ...(reasoning === '' ? {} : { reasoning }), ...message });
    reasoning = '';
  };
  const begun = (list: ToolCall[]): ToolCall[] => {
    own.add(list);
    return list;
  };
  for (const [index, item] of items.entries()) {
    const param = `input[${index}]`;
    const type = item.type ?? (item.role === undefined ? 'unknown' : 'message');
    if (type === 'reasoning') reasoning += reasoningText(item);
    else if (type === 'message') {
      const role = Object.hasOwn(ROLES, String(item.role)) ? ROLES[item.role as keyof typeof ROLES] : undefined;
      if (role === undefined) throw invalid(`${param}.role`, `unknown role "${String(item.role)}"`);
      const content = textOf(item.content, `${param}.content`);
      if (role === 'assistant') assistant({ content });
      else messages.push({ role, content });
    } else if (type === 'function_call') {
      const call = {
        id: requireText(item.call_id, `${param}.call_id`),
        name: requireText(item.name, `${param}.name`),
        arguments: nested.argumentText(requireText(item.arguments ?? '', `${param}.arguments`), `${param}.arguments`),
      };
      const last = messages.at(-1);
      if (last?.role === 'assistant' && reasoning === '') {
        if (last.toolCalls !== undefined && own.has(last.toolCalls)) last.toolCalls.push(call);
        else messages[messages.length - 1] = { ...last, toolCalls: begun([...(last.toolCalls ?? []), call]) };
      } else assistant({ contentAbsent: true, toolCalls: begun([call]) });
    } else if (type === 'function_call_output') {
      const toolCallId = requireText(item.call_id, `${param}.call_id`);
      messages.push({ role: 'tool', content: toolText(item.output, `${param}.output`, adaptations), toolCallId });
    } else if (FOREIGN.test(type)) {
      const text = asText(item);
      // An id alone says nothing.
      if (text !== `[${type}]`) {
        adaptations.note('items-as-text');
        if (type.endsWith('_output')) messages.push({ role: 'user', content: text });
        else assistant({ content: text });
      }
    } else throw invalid(`${param}.type`, `items of type "${type}" are not supported`);
    // Thoughts belong to what the assistant said next, not to what came from others.
    if (type !== 'reasoning') reasoning = '';
  }
  const paired = messages.map((message) => ({ ...message }));
  pairToolResults(paired);
  return paired;
}

function reasoningText(item: Item): string {
  const parts = [item.content, item.summary].find((list) => Array.isArray(list) && list.length > 0);
  if (!Array.isArray(parts)) return readEncrypted(item.encrypted_content);
  return parts.map((part: unknown) => partText(part) ?? '').join('\n\n');
}

const TEXTS = ['input_text', 'output_text', 'text', 'refusal'];

/** The parts of one message stay one message. */
function textOf(content: unknown, param: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw invalid(param, 'must be a string or a list of parts');
  return content
    .map((part: unknown, index) => {
      const type = typeof part === 'object' && part !== null && 'type' in part ? String(part.type) : 'unknown';
      const text = partText(part);
      if (TEXTS.includes(type) && text !== undefined) return text;
      const detail = { param: `${param}[${index}]` };
      if (type === 'input_image') throw new OmgError('unsupported', 'The model does not take images.', { detail });
      if (type === 'input_audio') throw new OmgError('unsupported', 'The model does not take audio.', { detail });
      if (type === 'input_file') throw new OmgError('unsupported', 'Files are not supported.', { detail });
      throw invalid(detail.param, `unknown content part "${type}"`);
    })
    .join('');
}

/** A tool may show what it likes; the model that asked is told what it cannot see. */
function toolText(content: unknown, param: string, adaptations: Adaptations): string {
  if (content === undefined || content === null) return '';
  if (!Array.isArray(content)) return textOf(content, param);
  const parts = content.map((part: unknown) => {
    const type = typeof part === 'object' && part !== null && 'type' in part ? part.type : undefined;
    if (type === 'input_image') adaptations.note('images-left-out');
    else if (type === 'input_file') adaptations.note('files-left-out');
    else return part;
    return { type: 'input_text', text: type === 'input_image' ? IMAGE_LEFT_OUT : FILE_LEFT_OUT };
  });
  return textOf(parts, param);
}

function partText(part: unknown): string | undefined {
  if (typeof part !== 'object' || part === null) return undefined;
  const text: unknown = 'refusal' in part ? part.refusal : 'text' in part ? part.text : undefined;
  return typeof text === 'string' ? text : undefined;
}

function requireText(value: unknown, param: string): string {
  if (typeof value === 'string') return value;
  throw invalid(param, 'must be a string');
}

function invalid(param: string, text: string): OmgError {
  return new OmgError('invalid_request', `${param}: ${text}`, { detail: { param } });
}
