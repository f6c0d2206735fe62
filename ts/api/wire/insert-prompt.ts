import type { PromptSegment } from '../../inference/index.ts';
import { type InstalledModel, type Models, unsupportedCapability } from '../../lifecycle/index.ts';

/** GGUF metadata keys of the fill-in-the-middle tokens; the older names follow the newer ones. */
const KEYS = {
  prefix: ['tokenizer.ggml.fim_pre_token_id', 'tokenizer.ggml.prefix_token_id'],
  suffix: ['tokenizer.ggml.fim_suf_token_id', 'tokenizer.ggml.suffix_token_id'],
  middle: ['tokenizer.ggml.fim_mid_token_id', 'tokenizer.ggml.middle_token_id'],
};

export interface Gap {
  before: string;
  after: string;
}

/**
 * The prompt that makes a model write what stands between two texts: by its chat template where that has a place for both, else by its tokens.
 * Throws `unsupported` where it has neither, and what rendering throws.
 */
export async function insertPrompt(
  models: Models,
  { details }: InstalledModel,
  name: string,
  { before, after }: Gap,
  signal: AbortSignal | undefined,
): Promise<PromptSegment[]> {
  const { capabilities, metadata, insertsByTemplate } = details;
  if (insertsByTemplate) {
    const messages = [{ role: 'user' as const, content: before }];
    return models.renderChat(
      name,
      { messages, suffix: after, sampling: {}, stop: [], onOverflow: 'error' },
      { signal },
    );
  }
  const token = (keys: string[]): number | undefined =>
    keys.map((key) => metadata[key]).find((value) => typeof value === 'number');
  const [prefix, suffix, middle] = [token(KEYS.prefix), token(KEYS.suffix), token(KEYS.middle)];
  if (!capabilities.includes('insert') || prefix === undefined || suffix === undefined || middle === undefined) {
    throw unsupportedCapability('insert', {
      name,
      param: 'suffix',
      hint: 'Use a code model with fill-in-the-middle tokens, or leave `suffix` out.',
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
