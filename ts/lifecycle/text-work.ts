import { OmgError } from '../errors/index.ts';
import type { ReadText } from '../inference/index.ts';
import type { Capability, InstalledModel } from './types.ts';

const WORK = {
  embedding: 'embeddings',
  rerank: 'reranking',
} as const satisfies Partial<Record<Capability, string>>;

/** Throws `unsupported` where the model is not made for it, before it is loaded. */
export function requireAbility(model: InstalledModel, ability: keyof typeof WORK): void {
  if (model.details.capabilities.includes(ability)) return;
  throw new OmgError('unsupported', `"${model.name}" does not support ${WORK[ability]}`, {
    hint: '`omg show` lists what a model can do.',
    detail: { param: 'model', capability: ability },
  });
}

export function promptTokens(texts: readonly ReadText[]): number {
  return texts.reduce((sum, text) => sum + text.promptTokens, 0);
}
