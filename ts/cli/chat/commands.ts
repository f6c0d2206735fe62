import { OmgError } from '../../errors/index.ts';
import { didYouMean } from '../suggest.ts';
import { appendEntry } from './answer.ts';
import { CHAT_SETTINGS, type ChatSettingName, isChatSetting, parseChatSetting } from './settings.ts';
import { type ChatState, conversationOf, noEffects, type Step } from './state.ts';
import { copy, edit, retry, thoughts } from './turn-commands.ts';

interface SlashCommand {
  name: string;
  rest: string;
}

interface SlashCommandSpec {
  usage: string;
  doc: string;
  run: (state: ChatState, rest: string) => Step;
}

/** Everything that begins with a slash. */
const SLASH_COMMANDS: Record<string, SlashCommandSpec> = {
  help: { usage: '/help', doc: 'show this', run: help },
  clear: { usage: '/clear', doc: 'forget the conversation', run: clear },
  system: { usage: '/system [TEXT]', doc: 'show or set the system message; `/system none` removes it', run: system },
  set: { usage: '/set [NAME [VALUE]]', doc: 'show or set a parameter; the value `default` resets it', run: set },
  model: { usage: '/model [NAME]', doc: 'list the models, or go on with another one', run: model },
  show: { usage: '/show', doc: 'show the details of the model', run: show },
  retry: { usage: '/retry', doc: 'ask the last question again', run: retry },
  edit: { usage: '/edit', doc: 'change the last question', run: edit },
  copy: { usage: '/copy', doc: 'copy the last answer', run: copy },
  thoughts: { usage: '/thoughts', doc: 'show the reasoning behind the last answer', run: thoughts },
  save: { usage: '/save NAME', doc: 'write the conversation to a file', run: save },
  load: { usage: '/load [NAME]', doc: 'list saved conversations, or go on with one', run: load },
  bye: { usage: '/bye', doc: 'leave the chat', run: bye },
};

const ALIASES: Record<string, string> = {
  ...{ '?': 'help', exit: 'bye', quit: 'bye', q: 'bye' },
  ...{ models: 'model', info: 'show', regenerate: 'retry', think: 'thoughts', chats: 'load' },
};

/** The command a message is, or undefined. A path such as `/usr/bin` is a message. */
export function slashCommandOf(message: string): SlashCommand | undefined {
  const match = /^\/([a-z]+|\?)(?:\s+([\s\S]*))?$/i.exec(message);
  return match?.[1] === undefined ? undefined : { name: match[1].toLowerCase(), rest: (match[2] ?? '').trim() };
}

export function runSlashCommand(state: ChatState, { name, rest }: SlashCommand): Step {
  const known = Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? name) : name;
  const command = Object.hasOwn(SLASH_COMMANDS, known) ? SLASH_COMMANDS[known] : undefined;
  if (command) return command.run(state, rest);
  const near = didYouMean(name, [...Object.keys(SLASH_COMMANDS), ...Object.keys(ALIASES)]);
  const hint = near === undefined ? '/help lists the commands.' : `Did you mean /${near}?`;
  return noEffects(appendEntry(appendEntry(state, 'error', `There is no command /${name}.`), 'hint', hint));
}

function notice(state: ChatState, text: string): Step {
  return noEffects(appendEntry(state, 'notice', text));
}

function help(state: ChatState): Step {
  const commands = Object.values(SLASH_COMMANDS).map(({ usage, doc }) => `  ${usage.padEnd(20)} ${doc}`);
  const keys = [
    ['Enter', 'send'],
    ['Alt+Enter, Ctrl-J', 'new line; also \\ at the end, or between """'],
    ['Up, Down', 'earlier messages'],
    ['Ctrl-C, Esc', 'stop the answer'],
    ['Ctrl-L', 'clear the screen'],
    ['Ctrl-C twice, Ctrl-D', 'leave'],
  ].map(([key, doc]) => `  ${key?.padEnd(20)} ${doc}`);
  return notice(state, [...commands, '', ...keys].join('\n'));
}

function clear(state: ChatState): Step {
  return notice({ ...state, messages: [], status: '', lastReasoning: '' }, 'The conversation starts anew.');
}

function system(state: ChatState, rest: string): Step {
  if (rest === '') return notice(state, state.system ?? 'There is no system message; `/system TEXT` sets one.');
  if (rest === 'none') return notice({ ...state, system: undefined }, 'The system message is removed.');
  const text = /^"""([\s\S]*)"""$/.exec(rest)?.[1]?.trim() ?? rest;
  return notice({ ...state, system: text }, 'The system message is set.');
}

function set(state: ChatState, rest: string): Step {
  const [name = '', ...words] = rest.split(/\s+/);
  if (name === '')
    return notice(
      state,
      Object.keys(CHAT_SETTINGS)
        .filter(isChatSetting)
        .map((key) => settingLine(state, key))
        .join('\n'),
    );
  if (!isChatSetting(name)) {
    const near = didYouMean(name, Object.keys(CHAT_SETTINGS));
    const hint = near === undefined ? '/set lists the parameters.' : `Did you mean ${near}?`;
    return noEffects(appendEntry(appendEntry(state, 'error', `There is no parameter ${name}.`), 'hint', hint));
  }
  const value = words.join(' ');
  if (value === '') return notice(state, settingLine(state, name));
  if (value === 'default') {
    const { [name]: _, ...settings } = state.settings;
    return notice({ ...state, settings }, `${name} is the model's own again.`);
  }
  try {
    const settings = { ...state.settings, [name]: parseChatSetting(name, value) };
    return notice({ ...state, settings }, `${name} is ${value}.`);
  } catch (error) {
    return noEffects(appendEntry(state, 'error', OmgError.from(error).message));
  }
}

function settingLine(state: ChatState, name: ChatSettingName): string {
  const value = state.settings[name];
  return `  ${name.padEnd(15)} ${String(value ?? 'default').padEnd(10)} ${CHAT_SETTINGS[name].doc}`;
}

function save(state: ChatState, name: string): Step {
  if (name === '') return noEffects(appendEntry(state, 'error', 'A name is missing: /save NAME'));
  return { state, effects: [{ type: 'save', name, conversation: conversationOf(state) }] };
}

function load(state: ChatState, name: string): Step {
  if (name === '') return { state, effects: [{ type: 'list-chats' }] };
  return { state, effects: [{ type: 'load', name }] };
}

function model(state: ChatState, name: string): Step {
  return { state, effects: [name === '' ? { type: 'list-models' } : { type: 'switch', model: name }] };
}

function show(state: ChatState): Step {
  return { state, effects: [{ type: 'describe', model: state.model }] };
}

function bye(state: ChatState): Step {
  return { state: { ...state, done: true }, effects: [{ type: 'quit' }] };
}
