import type { ChatMessage } from '../../inference/index.ts';
import { hasCalls, joinTexts } from './draft.ts';

/** Stands where a template wants somebody to speak who did not. */
const FILLER = '…';

/** Messages of one role that follow each other as one, for templates that want the roles to alternate. */
export function mergeRuns(messages: ChatMessage[]): ChatMessage[] {
  const merged: ChatMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (last?.role !== message.role || message.role === 'tool' || hasCalls(last)) {
      merged.push(message);
      continue;
    }
    const reasoning = joinTexts(last.reasoning ?? '', message.reasoning ?? '');
    merged[merged.length - 1] = {
      ...last,
      ...message,
      content: joinTexts(last.content, message.content),
      ...(reasoning === '' ? {} : { reasoning }),
    };
  }
  return merged;
}

/** Without messages that say nothing and call nothing. */
export function dropEmpty(messages: ChatMessage[]): ChatMessage[] {
  return messages.filter((message) => message.role === 'tool' || message.content.trim() !== '' || hasCalls(message));
}

/** A user speaks first, and the assistant between a result and the user. */
export function fillTurns(messages: ChatMessage[]): ChatMessage[] {
  const filled: ChatMessage[] = [];
  let asked = false;
  for (const message of messages) {
    const last = filled.at(-1);
    if (message.role === 'user') {
      asked = true;
      if (last !== undefined && (last.role === 'tool' || hasCalls(last))) {
        filled.push({ role: 'assistant', content: FILLER });
      }
    } else if (message.role !== 'system' && !asked) {
      asked = true;
      filled.push({ role: 'user', content: FILLER });
    }
    filled.push(message);
  }
  if (!asked) filled.push({ role: 'user', content: FILLER });
  return filled;
}
