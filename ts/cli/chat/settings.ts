import { OmgError } from '../../errors/index.ts';

type Kind =
  | { kind: 'number'; min: number; max: number }
  | { kind: 'integer'; min: number; max: number }
  | { kind: 'think' }
  | { kind: 'text' };

/** What `/set` and the flags of `run` know. Names and meanings are those of the Ollama options. */
export const CHAT_SETTINGS = {
  temperature: { kind: 'number', min: 0, max: 10, doc: 'how freely words are chosen; 0 is always the likeliest' },
  top_k: { kind: 'integer', min: 0, max: 1e6, doc: 'only the k likeliest tokens; 0 is off' },
  top_p: { kind: 'number', min: 0, max: 1, doc: 'only the likeliest tokens that make up this share' },
  min_p: { kind: 'number', min: 0, max: 1, doc: 'only tokens at least this likely, relative to the likeliest' },
  repeat_penalty: { kind: 'number', min: 0, max: 10, doc: 'above 1 repeats less' },
  presence_penalty: { kind: 'number', min: -2, max: 2, doc: 'above 0 avoids words that were used' },
  frequency_penalty: { kind: 'number', min: -2, max: 2, doc: 'above 0 avoids words the more they were used' },
  stop: { kind: 'text', doc: 'text at which the answer ends' },
  seed: { kind: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER, doc: 'the same seed gives the same answer' },
  num_ctx: { kind: 'integer', min: 4, max: 1e9, doc: 'context window in tokens' },
  num_predict: { kind: 'integer', min: -2, max: 1e9, doc: 'longest answer in tokens; -1 is unlimited' },
  think: { kind: 'think', doc: 'on, off, low, medium, high or max' },
  keep_alive: { kind: 'text', doc: 'how long the model stays loaded, such as 10m or -1' },
} as const satisfies Record<string, Kind & { doc: string }>;

export type ChatSettingName = keyof typeof CHAT_SETTINGS;
export type ChatSettings = Partial<Record<ChatSettingName, number | boolean | string>>;

export function isChatSetting(name: string): name is ChatSettingName {
  return Object.hasOwn(CHAT_SETTINGS, name);
}

/** A value as typed. Throws `invalid_request` naming what is accepted. */
export function parseChatSetting(name: ChatSettingName, text: string): number | boolean | string {
  const spec: Kind & { doc: string } = CHAT_SETTINGS[name];
  if (spec.kind === 'text') return text;
  if (spec.kind === 'think') {
    if (['on', 'true', 'yes'].includes(text)) return true;
    if (['off', 'false', 'no'].includes(text)) return false;
    if (['low', 'medium', 'high', 'max'].includes(text)) return text;
    throw new OmgError('invalid_request', `think is ${spec.doc}, not "${text}".`);
  }
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const fits = spec.kind === 'integer' ? Number.isInteger(value) : Number.isFinite(value);
  if (!fits || value < spec.min || value > spec.max) {
    const what = spec.kind === 'integer' ? 'a whole number' : 'a number';
    throw new OmgError('invalid_request', `${name} is ${what} from ${spec.min} to ${spec.max}, not "${text}".`);
  }
  return value;
}
