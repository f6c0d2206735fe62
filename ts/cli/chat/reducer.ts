import { printable } from '../../errors/index.ts';
import { advance, appendEntry, beginAnswer, closeTail, speed } from './answer.ts';
import { runSlashCommand, slashCommandOf } from './commands.ts';
import {
  type Editor,
  EMPTY_EDITOR,
  editorWith,
  erase,
  insertText,
  type Motion,
  moveCursor,
  moveLine,
} from './editor.ts';
import { browse, remember } from './history.ts';
import { type Action, type ChatKey, type ChatState, conversationOf, noEffects, type Step } from './state.ts';

/** The whole behaviour of the chat: what an event makes of the state, and what has to be done about it. Pure. */
export function reduce(state: ChatState, action: Action): Step {
  switch (action.type) {
    case 'key':
      return onKey({ ...state, hint: undefined, interruptedAtMs: undefined }, action, state.interruptedAtMs);
    case 'paste': {
      const text = printable(action.text.replace(/\r\n?/g, '\n'));
      return noEffects({ ...state, hint: undefined, editor: insertText(state.editor, text) });
    }
    case 'resize':
      return noEffects({ ...state, columns: action.columns });
    case 'redraw':
      return noEffects({ ...state, redraws: state.redraws + 1 });
    case 'delta':
      return noEffects(
        state.answer === undefined || state.answer.stopped ? state : advance(state, action.part, action.text),
      );
    case 'answered': {
      const { answer } = state;
      if (answer === undefined) return noEffects(state);
      const { end } = action;
      let next = closeTail(state);
      if (answer.stopped) next = appendEntry(next, 'notice', 'Stopped.');
      else if (end.reason === 'length')
        next = appendEntry(next, 'notice', lengthNotice(answer, state.settings.num_predict));
      return noEffects({
        ...withAnswer(next, answer.content),
        status: speed(end),
        lastReasoning: answer.reasoning.trim(),
      });
    }
    case 'failed': {
      let next = closeTail(state);
      next = appendEntry(next, 'error', action.message);
      if (action.hint !== undefined) next = appendEntry(next, 'hint', action.hint);
      return noEffects(withoutQuestion(next, state.answer?.content ?? ''));
    }
    case 'problem': {
      const next = appendEntry(state, 'error', action.message);
      return noEffects(action.hint === undefined ? next : appendEntry(next, 'hint', action.hint));
    }
    case 'switched':
      return noEffects(
        appendEntry({ ...state, model: action.model, status: '' }, 'notice', `${action.model} answers from now on.`),
      );
    case 'notice':
      return noEffects(appendEntry(state, 'notice', action.text));
    case 'loaded': {
      const { conversation } = action;
      const next = {
        ...state,
        lastReasoning: '',
        messages: conversation.messages,
        settings: conversation.settings,
        system: conversation.system,
      };
      return noEffects(appendEntry(next, 'notice', `Loaded ${conversation.messages.length} messages.`));
    }
  }
}

const AGAIN = 'Ctrl-C again, Ctrl-D or /bye leaves the chat.';
/** Two presses of Ctrl-C within this time leave. */
const TWICE_MS = 2000;

type KeyPress = Extract<Action, { type: 'key' }>;

/** Why an answer was cut, and what to do about it. */
export function lengthNotice({ content, reasoning }: { content: string; reasoning: string }, longest: unknown): string {
  const limit = typeof longest === 'number' ? ` (num_predict ${longest})` : '';
  if (content.trim() === '' && reasoning.trim() !== '')
    return `The thoughts used up the longest answer${limit}. Turn them off with think=off, or raise num_predict.`;
  return `The answer ends here: it reached its longest length${limit}.`;
}

/** Ends an answer. What was said stays part of the conversation, also when it was stopped. */
function withAnswer(state: ChatState, content: string): ChatState {
  if (content === '') return withoutQuestion(state, content);
  return { ...state, answer: undefined, messages: [...state.messages, { role: 'assistant', content }] };
}

/** Ends an answer that failed: a question without an answer must not be sent along with the next one. */
function withoutQuestion(state: ChatState, content: string): ChatState {
  if (content !== '') return withAnswer(state, content);
  const replaced = state.answer?.replaced;
  if (replaced !== undefined)
    return appendEntry({ ...state, answer: undefined, messages: replaced }, 'notice', 'The answer before stays.');
  const asked = state.answer !== undefined && state.messages.at(-1)?.role === 'user';
  return { ...state, answer: undefined, messages: asked ? state.messages.slice(0, -1) : state.messages };
}

function onKey(state: ChatState, { input, key, atMs }: KeyPress, interruptedAtMs: number | undefined): Step {
  if (key.ctrl && input === 'c') {
    const isSecond = interruptedAtMs !== undefined && atMs - interruptedAtMs <= TWICE_MS;
    return isSecond ? leave(state) : onInterrupt({ ...state, interruptedAtMs: atMs });
  }
  if (key.ctrl && input === 'l') return { state, effects: [{ type: 'clear-screen' }] };
  if (key.ctrl && input === 'z') return { state, effects: [{ type: 'suspend' }] };
  if (key.escape) return state.answer && !state.answer.stopped ? stopAnswer(state) : noEffects(state);
  if (key.ctrl && input === 'd') {
    if (state.editor.text === '') return leave(state);
    return edit(state, erase(state.editor, 'right'));
  }
  const isNewline = (key.return && (key.shift || key.meta)) || (key.ctrl && input === 'j') || input === '\n';
  if (isNewline) return edit(state, insertText(state.editor, '\n'));
  if (key.return) return onReturn(state);
  if (key.upArrow || (key.ctrl && input === 'p')) return onVertical(state, 'up');
  if (key.downArrow || (key.ctrl && input === 'n')) return onVertical(state, 'down');
  const lines = linesTypedAhead(input, key);
  if (lines !== undefined) return onLines(state, lines);
  // Typed faster than it is read, text and Enter come in one piece. A paste comes on a way of its own.
  if (!key.ctrl && !key.meta && input.length > 1 && input.endsWith('\r')) {
    return onReturn({ ...state, editor: editKey(state.editor, input.slice(0, -1), key) ?? state.editor });
  }
  const changed = editKey(state.editor, input, key);
  return changed === undefined ? noEffects(state) : edit(state, changed);
}

/**
 * What was typed before the chat took the terminal over comes in one piece, with line feeds where Enter was pressed. A paste has carriage returns, and
 * mostly comes on a way of its own.
 */
function linesTypedAhead(input: string, key: ChatKey): string[] | undefined {
  const isText = !key.ctrl && !key.meta && input.length > 1;
  return isText && input.includes('\n') && !input.includes('\r') ? input.split('\n') : undefined;
}

/** Each line is typed, and each but the last sent. */
function onLines(state: ChatState, lines: string[]): Step {
  let step = noEffects(state);
  for (const [at, line] of lines.entries()) {
    const typed = { ...step.state, editor: editKey(step.state.editor, line, {}) ?? step.state.editor };
    const next = at === lines.length - 1 ? noEffects(typed) : onReturn(typed);
    step = { state: next.state, effects: [...step.effects, ...next.effects] };
    if (next.state.done) break;
  }
  return step;
}

function edit(state: ChatState, editor: Editor): Step {
  return noEffects({ ...state, editor, history: { ...state.history, at: undefined } });
}

/** Ctrl-C: first the answer, then what is typed; twice in a row leaves. */
function onInterrupt(state: ChatState): Step {
  if (state.answer && !state.answer.stopped) return stopAnswer(state);
  if (state.editor.text !== '') return edit({ ...state, hint: AGAIN }, EMPTY_EDITOR);
  return noEffects({ ...state, hint: AGAIN });
}

function stopAnswer(state: ChatState): Step {
  if (state.answer === undefined) return noEffects(state);
  return { state: { ...state, answer: { ...state.answer, stopped: true } }, effects: [{ type: 'cancel' }] };
}

export function leave(state: ChatState): Step {
  const effects: Step['effects'] = state.answer ? [{ type: 'cancel' }, { type: 'quit' }] : [{ type: 'quit' }];
  return { state: { ...state, done: true }, effects };
}

function onVertical(state: ChatState, direction: 'up' | 'down'): Step {
  const moved = moveLine(state.editor, direction);
  if (moved) return noEffects({ ...state, editor: moved });
  const browsed = browse(state.history, direction === 'up' ? -1 : 1, state.editor.text);
  if (!browsed) return noEffects(state);
  return noEffects({ ...state, history: browsed.history, editor: editorWith(browsed.text) });
}

const MOTIONS_OF_CTRL: Record<string, Motion> = { a: 'line-start', e: 'line-end', b: 'left', f: 'right' };
const ERASURES_OF_CTRL: Record<string, Motion> = { u: 'line-start', k: 'line-end', w: 'word-left', h: 'left' };

function editKey(editor: Editor, input: string, key: ChatKey): Editor | undefined {
  const byWord = key.meta || key.ctrl;
  if (key.leftArrow) return moveCursor(editor, byWord ? 'word-left' : 'left');
  if (key.rightArrow) return moveCursor(editor, byWord ? 'word-right' : 'right');
  if (key.home) return moveCursor(editor, 'line-start');
  if (key.end) return moveCursor(editor, 'line-end');
  if (key.backspace) return erase(editor, byWord ? 'word-left' : 'left');
  if (key.delete) return erase(editor, byWord ? 'word-right' : 'right');
  if (key.meta && input === 'b') return moveCursor(editor, 'word-left');
  if (key.meta && input === 'f') return moveCursor(editor, 'word-right');
  if (key.meta && input === 'd') return erase(editor, 'word-right');
  if (key.ctrl) {
    const motion = MOTIONS_OF_CTRL[input];
    if (motion) return moveCursor(editor, motion);
    const erasure = ERASURES_OF_CTRL[input];
    return erasure && erase(editor, erasure);
  }
  const text = key.meta ? '' : printable(input.replace(/\r\n?/g, '\n'));
  return text === '' ? undefined : insertText(editor, text);
}

/** Enter: goes on in a new line inside an open `"""` block or after a backslash, and sends otherwise. */
function onReturn(state: ChatState): Step {
  const { text } = state.editor;
  const continued = /(?:^|[^\\])(?:\\\\)*\\$/.test(text);
  if (continued) return edit(state, editorWith(`${text.slice(0, -1)}\n`));
  const block = text.trimStart().startsWith('"""');
  if (block && !/^\s*"""[\s\S]*"""\s*$/.test(text)) return edit(state, insertText(state.editor, '\n'));
  const message = (block ? text.trim().slice(3, -3) : text).trim();
  if (message === '') return noEffects({ ...state, editor: EMPTY_EDITOR });
  if (state.answer) return noEffects({ ...state, hint: 'Wait for the answer, or stop it with Ctrl-C.' });

  const history = remember(state.history, text.trim());
  const cleared = { ...state, editor: EMPTY_EDITOR, history };
  const effects: Step['effects'] = [{ type: 'remember', entries: history.entries }];
  const command = block ? undefined : slashCommandOf(message);
  if (command) {
    const step = runSlashCommand(appendEntry(cleared, 'user', message), command);
    return { state: step.state, effects: [...effects, ...step.effects] };
  }
  const asked = beginAnswer(appendEntry(cleared, 'user', message), message);
  return { state: asked, effects: [...effects, { type: 'ask', conversation: conversationOf(asked) }] };
}
