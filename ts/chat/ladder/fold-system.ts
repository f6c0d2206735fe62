import type { ChatMessage } from '../../inference/index.ts';
import { joinTexts } from './draft.ts';

/**
 * System text as part of what the user says, where it stands: it goes to the end of the user's message before it, else to the beginning of the
 * one after it, else it becomes one. So a prompt that grows keeps its beginning. With `keepFirst` what stands before everything else
 * stays, as one message.
 */
export function foldSystem(messages: ChatMessage[], keepFirst: boolean): ChatMessage[] {
  const folded: ChatMessage[] = [];
  let waiting = '';
  const settle = (): void => {
    if (waiting !== '') folded.push({ role: 'user', content: waiting });
    waiting = '';
  };
  for (const message of messages) {
    const last = folded.at(-1);
    const isHead = last === undefined || (folded.length === 1 && last.role === 'system');
    if (message.role === 'system') {
      if (keepFirst && isHead) folded[0] = { ...message, content: joinTexts(last?.content ?? '', message.content) };
      else if (last?.role === 'user' && waiting === '') {
        folded[folded.length - 1] = { ...last, content: joinTexts(last.content, message.content) };
      } else waiting = joinTexts(waiting, message.content);
    } else if (message.role === 'user') {
      folded.push({ ...message, content: joinTexts(waiting, message.content) });
      waiting = '';
    } else {
      // Between a call and its result there is no place for a user.
      if (message.role !== 'tool') settle();
      folded.push(message);
    }
  }
  settle();
  return folded;
}
