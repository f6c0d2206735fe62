import type { Client } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { Session } from '../session.ts';
import { formatPairs, formatTable } from '../terminal/table.ts';
import { formatBytes, formatRelative } from '../terminal/units.ts';
import { chatPath, listChats, loadChat, saveChat, writeHistory } from './chat-files.ts';
import { copyText } from './clipboard.ts';
import type { Conversation, Effect } from './state.ts';
import type { ChatStore } from './store.ts';

/** What a chat does beside answering: files, models, the clipboard. A failure is told, and the answer that is coming goes on. */
export class SideWork {
  readonly #session: Session;
  readonly #client: Client;
  readonly #store: () => ChatStore;
  /** One write of the history at a time, in the order of the questions. */
  #history: Promise<void> = Promise.resolve();
  #isHistoryLost = false;

  constructor(session: Session, client: Client, store: () => ChatStore) {
    this.#session = session;
    this.#client = client;
    this.#store = store;
  }

  /** True: it was for this. */
  perform(effect: Effect): boolean {
    const { home } = this.#session.config.paths;
    switch (effect.type) {
      case 'remember':
        this.#remember(effect.entries);
        return true;
      case 'save':
        this.#run(this.#save(effect.name, effect.conversation));
        return true;
      case 'load':
        this.#run(this.#load(effect.name));
        return true;
      case 'list-chats':
        this.#run(this.#say(async () => chatLines(await listChats(home), this.#columns)));
        return true;
      case 'list-models':
        this.#run(this.#say(() => this.#models()));
        return true;
      case 'describe':
        this.#run(this.#say(() => this.#describe(effect.model)));
        return true;
      case 'switch':
        this.#run(this.#switch(effect.model));
        return true;
      case 'copy':
        this.#run(this.#say(() => this.#copy(effect.text)));
        return true;
      default:
        return false;
    }
  }

  /** Resolves when the history is written. */
  settled(): Promise<void> {
    return this.#history;
  }

  get #columns(): number {
    return this.#store().state().columns;
  }

  #run(work: Promise<void>): void {
    work.catch((error: unknown) => reportProblem(this.#store(), error));
  }

  async #say(work: () => Promise<string>): Promise<void> {
    this.#store().dispatch({ type: 'notice', text: await work() });
  }

  /** Told once: every question would say it again. */
  #remember(entries: string[]): void {
    const { home } = this.#session.config.paths;
    this.#history = this.#history
      .then(() => writeHistory(home, entries))
      .catch((error: unknown) => {
        if (this.#isHistoryLost) return;
        this.#isHistoryLost = true;
        const { message } = OmgError.from(error);
        this.#store().dispatch({ type: 'notice', text: `What is typed is not remembered: ${message}` });
      });
  }

  async #save(name: string, conversation: Conversation): Promise<void> {
    const path = chatPath(this.#session.config.paths.home, name);
    await saveChat(path, conversation);
    this.#store().dispatch({ type: 'notice', text: `Saved to ${path}.` });
  }

  async #load(name: string): Promise<void> {
    const conversation = await loadChat(chatPath(this.#session.config.paths.home, name));
    this.#store().dispatch({ type: 'loaded', conversation });
  }

  async #switch(model: string): Promise<void> {
    const entry = await this.#client.model(model);
    this.#store().dispatch({ type: 'switched', model: entry.id });
    await this.#client.start(entry.id);
  }

  async #models(): Promise<string> {
    const models = (await this.#client.list()).filter(({ capabilities }) => capabilities?.includes('completion'));
    const current = this.#store().state().model;
    return formatTable(
      [{ title: '' }, { title: 'NAME' }, { title: 'SIZE', align: 'right', drop: 1 }],
      models.map(({ id, name, size }) => [id === current ? '*' : ' ', name, formatBytes(size)]),
      this.#columns,
    ).join('\n');
  }

  async #describe(model: string): Promise<string> {
    const { name, family, parameter_size, quantization, context_length, capabilities, size, runtime } =
      await this.#client.model(model);
    const window = runtime?.context_length ?? context_length;
    return formatPairs(
      [
        ['name', name],
        ['family', family],
        ['parameters', parameter_size],
        ['quantization', quantization],
        ['size', formatBytes(size)],
        ['context window', `${window} tokens`],
        ['capabilities', capabilities.join(', ')],
        ['device', runtime?.device ?? 'not loaded'],
      ],
      { width: this.#columns },
    ).join('\n');
  }

  async #copy(text: string): Promise<string> {
    await copyText(text, this.#session.terminal.stdout);
    return 'Copied the last answer.';
  }
}

/** Tells of a failure beside the answer. */
export function reportProblem(store: ChatStore, error: unknown): void {
  const { message, hint } = OmgError.from(error);
  store.dispatch({ type: 'problem', message, hint });
}

function chatLines(chats: Awaited<ReturnType<typeof listChats>>, width: number): string {
  if (chats.length === 0) return 'No conversation has been saved; `/save NAME` saves this one.';
  const now = new Date();
  return formatTable(
    [
      { title: 'NAME' },
      { title: 'MODEL', drop: 2 },
      { title: 'MESSAGES', align: 'right', drop: 1 },
      { title: 'SAVED' },
    ],
    chats.map(({ name, conversation, saved }) => [
      name,
      conversation.model,
      String(conversation.messages.length),
      formatRelative(saved, now),
    ]),
    width,
  ).join('\n');
}
