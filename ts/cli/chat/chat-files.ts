import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { parseHistory, serializeHistory } from './history.ts';
import type { Conversation } from './state.ts';

const conversationSchema = z.object({
  model: z.string(),
  system: z.string().optional(),
  settings: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])).default({}),
  messages: z.array(z.object({ role: z.enum(['user', 'assistant']), content: z.string() })),
});

/** Where a saved chat is: a name lies in the home folder, a path where it says. */
export function chatPath(home: string, name: string): string {
  const isPath = isAbsolute(name) || /[/\\]/.test(name) || name.endsWith('.json');
  if (isPath) return resolve(name);
  if (name.startsWith('.')) throw new OmgError('invalid_request', `"${name}" is no name for a chat.`);
  return join(home, 'chats', `${name}.json`);
}

export async function saveChat(path: string, conversation: Conversation): Promise<void> {
  await writePrivate(path, `${JSON.stringify(conversation, null, 2)}\n`);
}

/** Throws `not_found`, `invalid_request` for a file that holds no chat. */
export async function loadChat(path: string): Promise<Conversation> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new OmgError('not_found', `There is no saved chat at ${path}.`, { cause: error });
  }
  try {
    return conversationSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new OmgError('invalid_request', `${path} holds no saved chat.`, { cause: error });
  }
}

export interface SavedChat {
  name: string;
  saved: Date;
  conversation: Conversation;
}

/** The chats in the home folder, newest first. What is none of them is passed over. */
export async function listChats(home: string): Promise<SavedChat[]> {
  const folder = join(home, 'chats');
  const files = (await readdir(folder).catch(() => [])).filter(
    (file) => file.endsWith('.json') && !file.startsWith('.'),
  );
  const found = files.map(async (file): Promise<SavedChat[]> => {
    const path = join(folder, file);
    try {
      const [conversation, { mtime }] = await Promise.all([loadChat(path), stat(path)]);
      return [{ name: file.slice(0, -'.json'.length), saved: mtime, conversation }];
    } catch {
      return [];
    }
  });
  return (await Promise.all(found)).flat().sort((a, b) => b.saved.getTime() - a.saved.getTime());
}

/** The conversation that was left last, under a name of its own. */
export const LAST_CHAT = 'last';

export async function readHistory(home: string): Promise<string[]> {
  return parseHistory(await readFile(historyPath(home), 'utf8').catch(() => ''));
}

export async function writeHistory(home: string, entries: string[]): Promise<void> {
  await writePrivate(historyPath(home), serializeHistory(entries));
}

function historyPath(home: string): string {
  return join(home, 'history');
}

/** Only the owner may read what was said. */
async function writePrivate(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomically(path, text, { mode: 0o600 });
}
