import { fstatSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { Command, Option } from 'clipanion';
import type { Client } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { answerOnce } from '../chat/answer-once.ts';
import { chatPath, loadChat } from '../chat/chat-files.ts';
import { formatOf, settingsOf } from '../chat/options.ts';
import { CHAT_SETTINGS } from '../chat/settings.ts';
import type { Conversation } from '../chat/state.ts';
import { CATEGORY, OmgCommand } from '../command.ts';
import { stopDaemon } from '../daemon-process.ts';
import { pullModel } from '../progress/pull-model.ts';
import { outlineText } from '../progress/show-transfer.ts';
import type { Session } from '../session.ts';
import { confirm } from '../terminal/confirm.ts';
import { version } from '../version.ts';

interface TalkOptions {
  prompt?: string;
  format?: string;
  isVerbose?: boolean;
  /** A saved conversation to go on with. */
  resumed?: Conversation;
}

/** What `run` and `chat` share: a model to talk to, and how. */
abstract class TalkCommand extends OmgCommand {
  system = Option.String('--system', { description: 'System message.' });
  set = Option.Array('--set', [], {
    description: `Set a parameter: ${Object.keys(CHAT_SETTINGS).join(', ')}.`,
  });
  think = Option.String('--think', { description: 'Reasoning: on, off, low, medium, high or max.' });
  start = Option.Boolean('--start', false, { description: 'Start the daemon without asking when it is not running.' });

  protected get settings() {
    return settingsOf([...this.set, ...(this.think === undefined ? [] : [`think=${this.think}`])]);
  }

  /** One answer to `prompt`, written as `format` says, or a chat. A daemon that was started for one answer is stopped again; after a chat it stays. */
  protected async talk(
    session: Session,
    model: string | undefined,
    { prompt, format, isVerbose = false, resumed }: TalkOptions = {},
  ): Promise<void> {
    const { settings, system } = this;
    const responseFormat = await formatOf(format);
    const client = await session.daemon(this.start);
    try {
      const name = await installedName(session, client, model ?? (await onlyModel(client)));
      if (prompt === undefined) {
        const { runChat } = await import('../chat/run-chat.tsx');
        const greeting = `omg ${version()} · ${name} · /help for commands`;
        const kept = { system: system ?? resumed?.system, settings: { ...resumed?.settings, ...settings } };
        await runChat(session, client, { ...kept, model: name, messages: resumed?.messages, greeting });
      } else {
        const messages = [{ role: 'user' as const, content: prompt }];
        await answerOnce(session, client, { model: name, system, settings, messages }, { isVerbose, responseFormat });
      }
    } finally {
      if (session.startedDaemon !== undefined && prompt !== undefined) await stopDaemon(session);
    }
    if (session.startedDaemon !== undefined && prompt === undefined) {
      session.printer.status(`The daemon goes on at ${session.startedDaemon}. Stop it with \`omg serve stop\`.`);
    }
  }
}

export class RunCommand extends TalkCommand {
  static override paths = [['run'], ['model', 'run']];
  static override usage = Command.Usage({
    category: CATEGORY.chat,
    description: 'Ask a model a question, or chat with it.',
    details:
      'With a prompt, or with text on the standard input, one answer is printed as it comes. Without either it opens a chat. Both together: the prompt first, then the text.',
    examples: [
      ['Chat', '$0 run demo'],
      ['One answer', '$0 run demo "What is the capital of France?"'],
      ['Work on a file', '$0 run qwen3:4b "Summarise this:" < notes.txt'],
      ['An answer that fits a JSON schema', '$0 run qwen3:4b --format person.schema.json "Invent a person"'],
      ['Always the same answer', '$0 run demo --set temperature=0 "Spell cat"'],
    ],
  });

  model = Option.String({ name: 'model' });
  prompt = Option.Rest({ name: 'prompt' });
  format = Option.String('--format', { description: '`json`, or a file with a JSON schema that the answer must fit.' });
  detach = Option.Boolean('-d,--detach', false, { description: 'Load the model and return.' });
  verbose = Option.Boolean('--verbose', false, { description: 'Report tokens and speed.' });
  json = Option.Boolean('--json', false, { description: 'Print JSON.' });

  protected override get isJson(): boolean {
    return this.json;
  }

  protected override async run(session: Session): Promise<void> {
    if (this.detach) return this.#load(session);
    const prompt = await promptOf(session, this.prompt);
    if (prompt === undefined && !session.isInteractive) {
      throw new OmgError('invalid_request', 'There is nothing to answer: no prompt, and no terminal to chat on.', {
        hint: `Say \`omg run ${this.model} "your question"\`.`,
      });
    }
    if (prompt === undefined && this.format !== undefined) {
      throw new OmgError('invalid_request', '--format is for one answer: it needs a prompt.');
    }
    await this.talk(session, this.model, { prompt, format: this.format, isVerbose: this.verbose });
  }

  async #load(session: Session): Promise<void> {
    if (this.prompt.length > 0)
      throw new OmgError('invalid_request', '--detach loads the model only: it takes no prompt.');
    const client = await session.daemon(this.start);
    const entry = await client.start(await installedName(session, client, this.model), {}, session.signal);
    if (session.printer.isJson) session.printer.json(entry);
    else session.printer.status(`Loaded ${entry.name}.`);
  }
}

export class ChatCommand extends TalkCommand {
  static override paths = [['chat']];
  static override usage = Command.Usage({
    category: CATEGORY.chat,
    description: 'Chat with a model in the terminal.',
    details:
      'Without a name: the only installed model, or `demo`. A conversation that was saved with `/save`, or the one that was left last, goes on with `--resume`; `/load` in the chat lists them.',
    examples: [
      ['Chat', '$0 chat qwen3:4b'],
      ['Go on with the last conversation', '$0 chat --resume last'],
    ],
  });

  model = Option.String({ name: 'model', required: false });
  resume = Option.String('--resume', { description: 'Go on with a saved conversation; `last` is the one left last.' });

  protected override async run(session: Session): Promise<void> {
    if (!session.isInteractive) {
      throw new OmgError('invalid_request', 'A chat needs a terminal.', {
        hint: `For one answer: \`omg run ${this.model ?? 'demo'} "your question"\`.`,
      });
    }
    const resumed =
      this.resume === undefined ? undefined : await loadChat(chatPath(session.config.paths.home, this.resume));
    await this.talk(session, this.model ?? resumed?.model, { resumed });
  }
}

async function onlyModel(client: Client): Promise<string> {
  const models = (await client.list()).filter(({ capabilities }) => capabilities.includes('completion'));
  const [only] = models;
  return models.length === 1 && only !== undefined ? only.name : 'demo';
}

/** The prompt from the command line and from what is piped in; undefined without either. */
async function promptOf(session: Session, words: string[]): Promise<string | undefined> {
  const piped = isPiped(session) ? (await text(session.terminal.stdin)).trim() : '';
  const prompt = [words.join(' ').trim(), piped].filter((part) => part !== '').join('\n\n');
  return prompt === '' ? undefined : prompt;
}

/** A pipe or a file, and not a terminal or /dev/null, whose end would be waited for in vain. */
function isPiped({ terminal }: Session): boolean {
  if (terminal.stdin.isTTY) return false;
  const { fd } = terminal.stdin as { fd?: number };
  if (fd === undefined) return true;
  try {
    const stats = fstatSync(fd);
    return stats.isFIFO() || stats.isFile() || stats.isSocket();
  } catch {
    return false;
  }
}

/** The name of the model once it is there; on a terminal one that is missing can be pulled. */
async function installedName(session: Session, client: Client, model: string): Promise<string> {
  try {
    return (await client.model(model)).id;
  } catch (error) {
    if (!(error instanceof OmgError) || error.code !== 'model_not_found') throw error;
    if (!session.config.settings['models.auto_download']) await askForDownload(session, client, model, error);
  }
  await pullModel(session, client, { model });
  return (await client.model(model)).id;
}

/** Throws `error` where nobody says yes. */
async function askForDownload(session: Session, client: Client, model: string, error: OmgError): Promise<void> {
  if (!session.isInteractive) {
    throw new OmgError(error.code, error.message, {
      hint: `\`omg pull ${model}\` downloads it; OMG_AUTO_DOWNLOAD=1 lets \`omg run\` do so unasked.`,
      cause: error,
    });
  }
  const found = await client.preview({ model }, session.signal);
  if (!(await confirm(session.terminal, `${model} is not installed (${outlineText(found)}). Download it?`)))
    throw error;
}
