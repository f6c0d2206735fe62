import { render } from 'ink';
import type { Client } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { Session } from '../session.ts';
import { chatPath, loadChat, readHistory, saveChat, writeHistory } from './chat-files.ts';
import { chatBodyOf } from './options.ts';
import type { ChatSettings } from './settings.ts';
import { type Conversation, type Effect, initialState } from './state.ts';
import { type ChatStore, createChatStore } from './store.ts';
import { TokenClock } from './token-clock.ts';
import { ChatView } from './view.tsx';

/** Opens the chat on the terminal and resolves when the person leaves it. */
export async function runChat(
  session: Session,
  client: Client,
  options: { model: string; system?: string; settings: ChatSettings; greeting: string },
): Promise<void> {
  const { home } = session.config.paths;
  const { stdin, stdout } = session.terminal;
  let answering: AbortController | undefined;
  let app: ReturnType<typeof render> | undefined;

  const perform = (effect: Effect): void => {
    switch (effect.type) {
      case 'ask':
        answering = new AbortController();
        void ask(store, client, effect.conversation, answering.signal);
        return;
      case 'cancel':
        answering?.abort();
        return;
      case 'remember':
        reporting(store, writeHistory(home, effect.entries));
        return;
      case 'save':
        reporting(store, save(store, home, effect.name, effect.conversation));
        return;
      case 'load':
        reporting(store, load(store, home, effect.name));
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
    .catch((error: unknown) => {
      if (!leaving.signal.aborted) reportFailure(store, error);
    });
  await app.waitUntilExit();
  leaving.abort();
  answering?.abort();
}

async function ask(store: ChatStore, client: Client, conversation: Conversation, signal: AbortSignal): Promise<void> {
  const clock = new TokenClock();
  try {
    for await (const piece of client.chat(chatBodyOf(conversation), signal)) {
      if (piece.type === 'end') {
        store.dispatch({ type: 'answered', end: clock.end(piece.reason, piece.completionTokens) });
      } else if (piece.type !== 'tool-call') {
        clock.piece();
        store.dispatch({ type: 'delta', part: piece.type === 'content' ? 'answer' : 'reasoning', text: piece.text });
      }
    }
  } catch (error) {
    const failure = OmgError.from(error);
    if (signal.aborted) {
      store.dispatch({ type: 'answered', end: clock.end('cancelled', 0) });
      return;
    }
    const hint =
      failure.code === 'context_length_exceeded'
        ? '/clear starts anew, /set num_ctx asks for a larger window.'
        : failure.hint;
    store.dispatch({ type: 'failed', message: failure.message, hint });
  }
}

async function save(store: ChatStore, home: string, name: string, conversation: Conversation): Promise<void> {
  const path = chatPath(home, name);
  await saveChat(path, conversation);
  store.dispatch({ type: 'notice', text: `Saved to ${path}.` });
}

async function load(store: ChatStore, home: string, name: string): Promise<void> {
  store.dispatch({ type: 'loaded', conversation: await loadChat(chatPath(home, name)) });
}

/** A file that cannot be written must not end the chat. */
function reporting(store: ChatStore, work: Promise<void>): void {
  work.catch((error: unknown) => reportFailure(store, error));
}

function reportFailure(store: ChatStore, error: unknown): void {
  const { message, hint } = OmgError.from(error);
  store.dispatch({ type: 'failed', message, hint });
}

function numberOr(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function stringOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
