import { type Editor, EMPTY_EDITOR } from './editor.ts';
import { type History, historyOf } from './history.ts';
import type { ChatSettings } from './settings.ts';

export interface Message {
  role: 'user' | 'assistant';
  content: string;
}

/** Something finished that stands above the prompt and never changes again. `text` is wrapped to the width it was printed in. */
export interface Entry {
  id: number;
  kind: 'user' | 'reasoning' | 'answer' | 'notice' | 'error' | 'hint';
  text: string;
}

export interface Answer {
  content: string;
  reasoning: string;
  /** What is being written now, and the end of it that has not become an entry yet; of reasoning the last row, as the rest is folded away. */
  part: 'reasoning' | 'answer';
  tail: string;
  /** The person stopped it; whatever still arrives is dropped. */
  stopped: boolean;
  /** The conversation as it was before a question was asked again, which comes back where nothing is said. */
  replaced?: Message[];
}

export interface ChatState {
  model: string;
  columns: number;
  entries: Entry[];
  messages: Message[];
  system: string | undefined;
  settings: ChatSettings;
  editor: Editor;
  history: History;
  /** Present while the model answers. */
  answer: Answer | undefined;
  /** Right of the model's name: speed and length of the last answer. */
  status: string;
  /** One line below the prompt, gone with the next key. */
  hint: string | undefined;
  /** Counts what makes the screen be drawn anew. */
  redraws: number;
  /** What the model thought before its last answer. */
  lastReasoning: string;
  /** When Ctrl-C was pressed last, unless another key followed. */
  interruptedAtMs: number | undefined;
  done: boolean;
}

export interface AnswerEnd {
  reason: 'stop' | 'length' | 'cancelled';
  tokens: number;
  tokensPerSecond: number | undefined;
}

export type Action =
  /** `atMs` is any clock's. */
  | { type: 'key'; input: string; key: ChatKey; atMs: number }
  | { type: 'paste'; text: string }
  | { type: 'resize'; columns: number }
  /** The screen no longer shows what was drawn. */
  | { type: 'redraw' }
  | { type: 'delta'; part: 'reasoning' | 'answer'; text: string }
  | { type: 'answered'; end: AnswerEnd }
  /** The answer failed. */
  | { type: 'failed'; message: string; hint?: string }
  /** Something beside the answer failed, which goes on. */
  | { type: 'problem'; message: string; hint?: string }
  | { type: 'switched'; model: string }
  | { type: 'notice'; text: string }
  | { type: 'loaded'; conversation: Conversation };

/** The part of ink's key description that the chat uses. */
export interface ChatKey {
  upArrow?: boolean;
  downArrow?: boolean;
  leftArrow?: boolean;
  rightArrow?: boolean;
  home?: boolean;
  end?: boolean;
  return?: boolean;
  escape?: boolean;
  ctrl?: boolean;
  shift?: boolean;
  meta?: boolean;
  tab?: boolean;
  backspace?: boolean;
  delete?: boolean;
}

/** What `/save` writes and `/load` reads. */
export interface Conversation {
  model: string;
  system?: string;
  settings: ChatSettings;
  messages: Message[];
}

/** What the world outside has to do after a step. */
export type Effect =
  | { type: 'ask'; conversation: Conversation }
  | { type: 'cancel' }
  | { type: 'remember'; entries: string[] }
  | { type: 'save'; name: string; conversation: Conversation }
  | { type: 'load'; name: string }
  | { type: 'list-chats' }
  | { type: 'list-models' }
  | { type: 'switch'; model: string }
  | { type: 'describe'; model: string }
  | { type: 'copy'; text: string }
  | { type: 'clear-screen' }
  | { type: 'suspend' }
  | { type: 'quit' };

export interface Step {
  state: ChatState;
  effects: Effect[];
}

/** The state is all that changes. */
export function noEffects(state: ChatState): Step {
  return { state, effects: [] };
}

export function initialState(options: {
  model: string;
  columns: number;
  system?: string;
  settings?: ChatSettings;
  messages?: Message[];
  history?: string[];
}): ChatState {
  return {
    model: options.model,
    columns: options.columns,
    entries: [],
    messages: options.messages ?? [],
    system: options.system,
    settings: options.settings ?? {},
    editor: EMPTY_EDITOR,
    history: historyOf(options.history ?? []),
    answer: undefined,
    status: '',
    hint: undefined,
    redraws: 0,
    lastReasoning: '',
    interruptedAtMs: undefined,
    done: false,
  };
}

export function conversationOf(state: ChatState): Conversation {
  return {
    model: state.model,
    ...(state.system === undefined ? {} : { system: state.system }),
    settings: state.settings,
    messages: state.messages,
  };
}
