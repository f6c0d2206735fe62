import { readFile } from 'node:fs/promises';
import type { ChatBody } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { didYouMean } from '../suggest.ts';
import { CHAT_SETTINGS, type ChatSettings, isChatSetting, parseChatSetting } from './settings.ts';
import type { Conversation } from './state.ts';

/** `NAME=VALUE` flags as settings. Throws `invalid_request`. */
export function settingsOf(pairs: string[]): ChatSettings {
  const settings: ChatSettings = {};
  for (const pair of pairs) {
    const [name = '', ...rest] = pair.split('=');
    if (rest.length === 0) throw new OmgError('invalid_request', `--set takes NAME=VALUE, not "${pair}".`);
    if (!isChatSetting(name)) {
      const near = didYouMean(name, Object.keys(CHAT_SETTINGS));
      throw new OmgError('invalid_request', `There is no parameter ${name}.`, {
        hint: near === undefined ? `Parameters: ${Object.keys(CHAT_SETTINGS).join(', ')}.` : `Did you mean ${near}?`,
      });
    }
    settings[name] = parseChatSetting(name, rest.join('='));
  }
  return settings;
}

/** `json`, or the path of a JSON schema. Throws `invalid_request`. */
export async function formatOf(format: string | undefined): Promise<ChatBody['response_format']> {
  if (format === undefined) return undefined;
  if (format === 'json') return { type: 'json_object' };
  const refuse = (why: string) =>
    new OmgError('invalid_request', `--format takes json or a file with a JSON schema: ${why}.`);
  const source = await readFile(format, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw refuse(`${format} cannot be read (${error.code})`);
  });
  let schema: unknown;
  try {
    schema = JSON.parse(source);
  } catch {
    throw refuse(`${format} is not JSON`);
  }
  return { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
}

/** A conversation as the body of a request. */
export function chatBodyOf({ model, system, settings, messages }: Conversation): ChatBody {
  const { think, keep_alive, ...options } = settings;
  return {
    model,
    messages: [...(system === undefined ? [] : [{ role: 'system' as const, content: system }]), ...messages],
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(think === undefined ? {} : { think: typeof think === 'number' ? think !== 0 : think }),
    ...(keep_alive === undefined ? {} : { keep_alive: String(keep_alive) }),
  };
}
