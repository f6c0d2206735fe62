import { Box, Static, Text, useAnimation, useCursor, useInput, usePaste, useWindowSize } from 'ink';
import { useEffect, useSyncExternalStore } from 'react';
import { printableLine } from '../../errors/index.ts';
import { THINKING } from './answer.ts';
import { layoutPrompt, PROMPT } from './prompt-layout.ts';
import type { Answer, ChatState, Entry } from './state.ts';
import type { ChatStore } from './store.ts';

const CONTINUATION = '  ';
/** Beside thoughts, so that they are told from answers without colours too. */
const THOUGHT_MARGIN = '│ ';
/** Rows of the dynamic region besides the prompt: the answer's last row, two empty ones, the status and the hint. */
const ROWS_BESIDE_PROMPT = 5;

/** The chat on a terminal. Draws the state and hands on keys; it decides nothing. */
export function ChatView({ store }: { store: ChatStore }) {
  const state = useSyncExternalStore(store.subscribe, store.state);
  const { columns, rows } = useWindowSize();
  useEffect(() => store.dispatch({ type: 'resize', columns }), [store, columns]);
  useInput((input, key) => {
    if (key.eventType !== 'release') store.dispatch({ type: 'key', input, key, atMs: performance.now() });
  });
  usePaste((text) => store.dispatch({ type: 'paste', text }));

  const prompt = layoutPrompt(state.editor, columns, Math.max(1, rows - ROWS_BESIDE_PROMPT));
  const above = (state.answer ? 1 : 0) + 1;
  const { setCursorPosition } = useCursor();
  setCursorPosition(state.done ? undefined : { x: prompt.cursorColumn, y: above + prompt.cursorRow });

  return (
    <>
      <Static items={state.entries}>{(entry) => <EntryView key={entry.id} entry={entry} />}</Static>
      {state.answer && <AnswerTail answer={state.answer} />}
      <Text> </Text>
      {!state.done && <Prompt rows={prompt.rows} isEmpty={state.editor.text === ''} isFirst={prompt.isFirst} />}
      {!state.done && <StatusLine state={state} />}
    </>
  );
}

function EntryView({ entry }: { entry: Entry }) {
  // An empty text has no height in ink, and the empty rows of an answer count.
  const text = entry.text === '' ? ' ' : entry.text;
  switch (entry.kind) {
    case 'user':
      return (
        <Box marginTop={1} marginBottom={1}>
          <Text color="cyan">{PROMPT}</Text>
          <Text bold>{text}</Text>
        </Box>
      );
    case 'reasoning':
      return (
        <Text dimColor>
          {text
            .split('\n')
            .map((row) => `${THOUGHT_MARGIN}${row}`)
            .join('\n')}
        </Text>
      );
    case 'answer':
      return <Text>{text}</Text>;
    case 'notice':
      return <Text dimColor>{text}</Text>;
    case 'error':
      return <Text color="red">{text}</Text>;
    case 'hint':
      return <Text color="cyan">{text}</Text>;
  }
}

function AnswerTail({ answer }: { answer: Answer }) {
  const isWaiting = answer.content === '' && answer.reasoning === '';
  if (isWaiting) return <Waiting />;
  if (answer.part === 'reasoning') return <Text dimColor>{`${THINKING} ${answer.tail}`}</Text>;
  return <Text>{answer.tail === '' ? ' ' : answer.tail}</Text>;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

function Waiting() {
  const { frame } = useAnimation({ interval: 80 });
  return <Text dimColor>{FRAMES[frame % FRAMES.length]}</Text>;
}

function Prompt({ rows, isEmpty, isFirst }: { rows: string[]; isEmpty: boolean; isFirst: boolean }) {
  return (
    <Box flexDirection="column">
      {rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its position
        <Text key={index}>
          <Text color="cyan">{index === 0 && isFirst ? PROMPT : CONTINUATION}</Text>
          {isEmpty ? <Text dimColor>Ask anything, /help for commands</Text> : row}
        </Text>
      ))}
    </Box>
  );
}

function StatusLine({ state }: { state: ChatState }) {
  const words = [state.model, ...(state.status === '' ? [] : [state.status])].join(' · ');
  return (
    <Text dimColor wrap="truncate">
      {printableLine(state.hint ?? words)}
    </Text>
  );
}
