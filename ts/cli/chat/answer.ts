import type { ChatPiece } from '../../client/index.ts';
import { printable } from '../../errors/index.ts';
import { wrapRows } from '../terminal/text.ts';
import type { Answer, AnswerEnd, ChatState, Entry } from './state.ts';

/**
 * How an answer grows. What is finished leaves for the entries, which the terminal prints once and scrolls; only the last row is
 * redrawn. So an answer of any length costs the same per token, and nothing taller than the terminal is ever redrawn.
 */
export function beginAnswer(state: ChatState, question: string): ChatState {
  return {
    ...state,
    status: '',
    messages: [...state.messages, { role: 'user', content: question }],
    answer: { content: '', reasoning: '', part: 'answer', tail: '', stopped: false },
  };
}

/** Adds a piece of the answer or of its reasoning. */
export function advance(state: ChatState, part: 'reasoning' | 'answer', text: string): ChatState {
  const { answer } = state;
  if (answer === undefined || text === '') return state;
  const hasBegun = answer.content !== '' || answer.reasoning !== '';
  if (part !== answer.part && hasBegun) return advance(startPart(state, part), part, text);
  const field = part === 'answer' ? 'content' : 'reasoning';
  const shown = printable(answer.tail + text);
  // Models begin with line ends, most of all after a thinking block.
  const width = part === 'reasoning' ? state.columns - THINKING.length - 1 : state.columns;
  const rows = wrapRows(answer[field].trim() === '' ? shown.trimStart() : shown, width);
  const tail = rows.pop() ?? '';
  const next = { ...state, answer: { ...answer, part, [field]: answer[field] + text, tail } };
  return rows.length === 0 || part === 'reasoning' ? next : appendRows(next, part, rows);
}

/** Stands before thoughts, so that they are none of the answer without colours as well. */
export const THINKING = 'Thinking:';

/** Reasoning and answer are set apart by an empty row. */
function startPart(state: ChatState, part: 'reasoning' | 'answer'): ChatState {
  const closed = closeTail(state);
  if (closed.answer === undefined) return closed;
  const apart = appendRows(closed, 'notice', ['']);
  return { ...apart, answer: { ...closed.answer, part, tail: '' } };
}

/** Turns what is left of the current part into an entry. */
export function closeTail(state: ChatState): ChatState {
  const { answer } = state;
  if (answer === undefined || answer.tail.trim() === '') return state;
  if (answer.part === 'reasoning') return foldThoughts(state, answer);
  const closed = appendRows(state, answer.part, wrapRows(answer.tail.trimEnd(), state.columns));
  return { ...closed, answer: { ...answer, tail: '' } };
}

/** One row in place of the thoughts: how many words they were, and how to see them. */
function foldThoughts(state: ChatState, answer: Answer): ChatState {
  const words = answer.reasoning.trim().split(/\s+/).length;
  const row = `${THINKING} ${words} ${words === 1 ? 'word' : 'words'}, /thoughts shows them`;
  return appendRows({ ...state, answer: { ...answer, tail: '' } }, 'notice', [row]);
}

export function appendEntry(state: ChatState, kind: Entry['kind'], text: string): ChatState {
  const prefix = kind === 'user' || kind === 'reasoning' ? 2 : 0;
  return appendRows(state, kind, wrapRows(printable(text), state.columns - prefix));
}

function appendRows(state: ChatState, kind: Entry['kind'], rows: string[]): ChatState {
  return { ...state, entries: [...state.entries, { id: state.entries.length, kind, text: rows.join('\n') }] };
}

/** The speed is the engine's own measure: here the pieces of several tokens arrive together. */
export function answerEnd({ reason, completionTokens, decodeMs }: Extract<ChatPiece, { type: 'end' }>): AnswerEnd {
  return {
    reason: reason === 'length' ? 'length' : 'stop',
    tokens: completionTokens,
    tokensPerSecond: decodeMs > 0 ? (completionTokens / decodeMs) * 1000 : undefined,
  };
}

/** Such as `128 tokens · 42.1 tokens/s`. */
export function speed(end: AnswerEnd): string {
  if (end.tokens === 0) return '';
  const words = [`${end.tokens} ${end.tokens === 1 ? 'token' : 'tokens'}`];
  if (end.tokensPerSecond !== undefined) words.push(`${end.tokensPerSecond.toFixed(1)} tokens/s`);
  return words.join(' · ');
}
