import type { ChatMessage, ToolCall } from '../../inference/index.ts';
import { hasCalls, joinTexts } from './draft.ts';

const NO_RESULT = 'No result.';

/** Every result behind the message with its call, in the order of the calls. Results of no call stay where they are. */
export function orderResults(messages: ChatMessage[]): ChatMessage[] {
  const results = matchResults(messages);
  const matched = new Set([...results.values()].flat());
  return messages.flatMap((message) => {
    if (matched.has(message)) return [];
    return [message, ...(message.toolCalls ?? []).flatMap((call) => results.get(call) ?? [])];
  });
}

/** A result goes to the last call of its id before it, else to the first one after it. */
function matchResults(messages: ChatMessage[]): Map<ToolCall, ChatMessage[]> {
  const results = new Map<ToolCall, ChatMessage[]>();
  const before = new Map<string, ToolCall>();
  const early = new Map<string, ChatMessage[]>();
  for (const message of messages) {
    for (const call of message.toolCalls ?? []) {
      before.set(call.id, call);
      const waiting = early.get(call.id);
      if (waiting !== undefined) results.set(call, waiting);
      early.delete(call.id);
    }
    if (message.role !== 'tool' || message.toolCallId === undefined) continue;
    const call = before.get(message.toolCallId);
    if (call === undefined) early.set(message.toolCallId, [...(early.get(message.toolCallId) ?? []), message]);
    else results.set(call, [...(results.get(call) ?? []), message]);
  }
  return results;
}

/** One call in a message, each followed by its results. */
export function splitCalls(messages: ChatMessage[]): ChatMessage[] {
  const split: ChatMessage[] = [];
  for (let at = 0; at < messages.length; at++) {
    const message = messages[at];
    if (message === undefined) continue;
    const [first, ...others] = message.toolCalls ?? [];
    if (first === undefined || others.length === 0) {
      split.push(message);
      continue;
    }
    const results: ChatMessage[] = [];
    for (let next = messages[at + 1]; next?.role === 'tool'; next = messages[at + 1]) {
      results.push(next);
      at += 1;
    }
    const mine = (call: ToolCall): ChatMessage[] => results.filter(({ toolCallId }) => toolCallId === call.id);
    split.push({ ...message, toolCalls: [first] }, ...mine(first));
    for (const call of others) {
      split.push({ role: 'assistant', content: '', contentAbsent: true, toolCalls: [call] }, ...mine(call));
    }
    const ids = new Set(message.toolCalls?.map(({ id }) => id));
    split.push(...results.filter(({ toolCallId }) => toolCallId === undefined || !ids.has(toolCallId)));
  }
  return split;
}

/** A result for every call that has none, except for those the conversation ends with. */
export function fillResults(messages: ChatMessage[]): ChatMessage[] {
  const answered = new Set(messages.flatMap(({ role, toolCallId }) => (role === 'tool' ? [toolCallId] : [])));
  return messages.flatMap((message, at) => {
    const open = at === messages.length - 1 ? [] : (message.toolCalls ?? []).filter(({ id }) => !answered.has(id));
    const filled = open.map(
      (call): ChatMessage => ({ role: 'tool', content: NO_RESULT, toolCallId: call.id, toolName: call.name }),
    );
    return [message, ...filled];
  });
}

/** Results that no call before them asked for, as text of the user. */
export function tellOrphans(messages: ChatMessage[]): ChatMessage[] {
  const called = new Set<string>();
  return messages.map((message) => {
    for (const { id } of message.toolCalls ?? []) called.add(id);
    const isOrphan = message.role === 'tool' && !called.has(message.toolCallId ?? '');
    return isOrphan ? toldResult(message) : message;
  });
}

/** Calls and results as text, for templates that have no place for them. */
export function tellCalls(messages: ChatMessage[]): ChatMessage[] {
  return messages.map((message) => {
    if (message.role === 'tool') return toldResult(message);
    if (!hasCalls(message)) return message;
    const { toolCalls = [], contentAbsent: _, ...rest } = message;
    const told = toolCalls.map((call) => `[Called ${call.name} with ${call.arguments}]`).join('\n');
    return { ...rest, content: joinTexts(message.content, told) };
  });
}

function toldResult({ toolName, content }: ChatMessage): ChatMessage {
  return { role: 'user', content: `[Result${toolName === undefined ? '' : ` of ${toolName}`}]\n${content}` };
}
