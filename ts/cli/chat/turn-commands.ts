import { appendEntry, beginAnswer } from './answer.ts';
import { editorWith } from './editor.ts';
import { type ChatState, conversationOf, type Message, noEffects, type Step } from './state.ts';

/** Commands about the last question and its answer. */

/** Asks the last question again, without the answer it had; that stays where there is no other. */
export function retry(state: ChatState): Step {
  const last = lastTurn(state);
  if (last === undefined) return nothingYet(state);
  const begun = beginAnswer({ ...state, messages: last.before }, last.question);
  const asked = { ...begun, answer: begun.answer && { ...begun.answer, replaced: state.messages } };
  return { state: asked, effects: [{ type: 'ask', conversation: conversationOf(asked) }] };
}

/** Puts the last question into the field and takes it and its answer out of the conversation. */
export function edit(state: ChatState): Step {
  const last = lastTurn(state);
  if (last === undefined) return nothingYet(state);
  const next = { ...state, messages: last.before, editor: editorWith(last.question) };
  return noEffects(appendEntry(next, 'notice', 'The last question is back in the field; its answer is forgotten.'));
}

export function copy(state: ChatState): Step {
  const answer = state.messages.findLast(({ role }) => role === 'assistant');
  if (answer === undefined) return nothingYet(state);
  return { state, effects: [{ type: 'copy', text: answer.content }] };
}

/** What the model thought before its last answer, which is folded away while it answers. */
export function thoughts(state: ChatState): Step {
  if (state.lastReasoning === '') return noEffects(appendEntry(state, 'notice', 'There are no thoughts to show.'));
  return noEffects(appendEntry(state, 'reasoning', state.lastReasoning));
}

function lastTurn({ messages }: ChatState): { question: string; before: Message[] } | undefined {
  const at = messages.findLastIndex(({ role }) => role === 'user');
  const question = messages[at]?.content;
  return question === undefined ? undefined : { question, before: messages.slice(0, at) };
}

function nothingYet(state: ChatState): Step {
  return noEffects(appendEntry(state, 'error', 'Nothing has been answered yet.'));
}
