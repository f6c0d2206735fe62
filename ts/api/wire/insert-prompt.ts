import { OmgError } from '../../errors/index.ts';
import type { PromptSegment } from '../../inference/index.ts';
import type { InstalledModel } from '../../lifecycle/index.ts';

/** GGUF metadata keys of the fill-in-the-middle tokens; the older names follow the newer ones. */
const KEYS = {
  prefix: ['tokenizer.ggml.fim_pre_token_id', 'tokenizer.ggml.prefix_token_id'],
  suffix: ['tokenizer.ggml.fim_suf_token_id', 'tokenizer.ggml.suffix_token_id'],
  middle: ['tokenizer.ggml.fim_mid_token_id', 'tokenizer.ggml.middle_token_id'],
};

/** The prompt that makes a model write what stands between two texts. Throws `unsupported` where it has no such tokens. */
export function insertPrompt(model: InstalledModel, name: string, before: string, after: string): PromptSegment[] {
  const { capabilities, metadata } = model.details;
  const token = (keys: string[]): number | undefined =>
    keys.map((key) => metadata[key]).find((value) => typeof value === 'number');
  const [prefix, suffix, middle] = [token(KEYS.prefix), token(KEYS.suffix), token(KEYS.middle)];
  if (!capabilities.includes('insert') || prefix === undefined || suffix === undefined || middle === undefined) {
    throw new OmgError('unsupported', `"${name}" does not support insert`, {
      hint: 'Use a code model with fill-in-the-middle tokens, or leave `suffix` out.',
      detail: { param: 'suffix', capability: 'insert' },
    });
  }
  return [
    { kind: 'tokens', tokens: [prefix] },
    { kind: 'text', text: before, parseSpecial: false },
    { kind: 'tokens', tokens: [suffix] },
    { kind: 'text', text: after, parseSpecial: false },
    { kind: 'tokens', tokens: [middle] },
  ];
}
