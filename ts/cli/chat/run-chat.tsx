import { render } from 'ink';
import type { Client } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { Session } from '../session.ts';
import { answerEnd } from './answer.ts';
import { chatPath, LAST_CHAT, readHistory, saveChat } from './chat-files.ts';
import { answerOf } from './raw.ts';
import type { ChatSettings } from './settings.ts';
import { reportProblem, SideWork } from './side-work.ts';
import { type Conversation, conversationOf, type Effect, initialState, type Message } from './state.ts';
import { type ChatStore, createChatStore } from './store.ts';
import { ChatView } from './view.tsx';

/** Opens the chat on the terminal and resolves when the person leaves it. */
export async function runChat(
  session: Session,
  client: Client,
  options: { model: string; system?: string; settings: ChatSettings; messages?: Message[]; greeting: string },
): Promise<void> {
  const { home } = session.config.paths;
  const { stdin, stdout } = session.terminal;
  let answering: AbortController | undefined;
  let app: ReturnType<typeof render> | undefined;

  const side = new SideWork(session, client, () => store);
  const perform = (effect: Effect): void => {
    if (side.perform(effect)) return;
    switch (effect.type) {
      case 'ask':
        answering = new AbortController();
        void ask(store, client, effect.conversation, answering.signal);
        return;
      case 'cancel':
        answering?.abort();
        return;
      case 'clear-screen':
        app?.clear();
        // Also what the terminal keeps above: a chat that is cleared is not to be scrolled back to.
        stdout.write('\u001b[2J\u001b[3J\u001b[H');
        store.dispatch({ type: 'redraw' });
        return;
      case 'suspend':
        suspend(store, stdin);
        return;
      case 'quit':
        // The last frame, without the prompt, is drawn first.
        void app?.waitUntilRenderFlush().then(() => app?.unmount());
    }
  };

  const store = createChatStore(
    initialState({ ...options, columns: stdout.columns ?? 80, history: await readHistory(home) }),
    perform,
  );
  store.dispatch({ type: 'notice', text: options.greeting });
  app = render(<ChatView store={store} />, {
    stdin: stdin as NodeJS.ReadStream,
    stdout: stdout as NodeJS.WriteStream,
    exitOnCtrlC: false,
    patchConsole: false,
    interactive: true,
    kittyKeyboard: { mode: 'auto' },
  });
  // Loads the model while the first question is typed.
  const leaving = new AbortController();
  const { num_ctx, keep_alive } = options.settings;
  client
    .start(options.model, { context_length: numberOr(num_ctx), keep_alive: stringOr(keep_alive) }, leaving.signal)
    .then(({ runtime }) => {
      const held = runtime?.context_length ?? undefined;
      if (typeof num_ctx === 'number' && held !== undefined && held < num_ctx)
        store.dispatch({ type: 'notice', text: `The context window is ${held} tokens, the most this model has.` });
    })
    .catch((error: unknown) => {
      if (!leaving.signal.aborted) reportProblem(store, error);
    });
  await app.waitUntilExit();
  leaving.abort();
  answering?.abort();
  await side.settled();
  const left = conversationOf(store.state());
  // A full disk must not turn leaving into an error.
  if (left.messages.length > 0) await saveChat(chatPath(home, LAST_CHAT), left).catch(() => {});
}

async function ask(store: ChatStore, client: Client, conversation: Conversation, signal: AbortSignal): Promise<void> {
  // Said once, with the first question.
  const onRaw = () => {
    if (conversation.messages.length > 1) return;
    const text = `${conversation.model} has no chat template: it goes on with your text.`;
    store.dispatch({ type: 'notice', text });
  };
  try {
    for await (const piece of answerOf(client, conversation, signal, { onRaw })) {
      if (piece.type === 'end') {
        store.dispatch({ type: 'answered', end: answerEnd(piece) });
      } else if (piece.type !== 'tool-call') {
        store.dispatch({ type: 'delta', part: piece.type === 'content' ? 'answer' : 'reasoning', text: piece.text });
      }
    }
  } catch (error) {
    const failure = OmgError.from(error);
    if (signal.aborted) {
      store.dispatch({ type: 'answered', end: { reason: 'cancelled', tokens: 0, tokensPerSecond: undefined } });
      return;
    }
    const hint =
      failure.code === 'context_length_exceeded'
        ? '/clear starts anew, /set num_ctx asks for a larger window.'
        : failure.hint;
    store.dispatch({ type: 'failed', message: failure.message, hint });
  }
}

/** Ctrl-Z: the terminal is the shell's until `fg`. */
function suspend(store: ChatStore, stdin: Session['terminal']['stdin']): void {
  if (process.platform === 'win32' || !('setRawMode' in stdin)) return;
  stdin.setRawMode(false);
  process.once('SIGCONT', () => {
    stdin.setRawMode(true);
    store.dispatch({ type: 'redraw' });
  });
  process.kill(process.pid, 'SIGTSTP');
}

function numberOr(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function stringOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
