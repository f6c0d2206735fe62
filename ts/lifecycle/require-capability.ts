import { OmgError } from '../errors/index.ts';
import type { Capability, InstalledModel } from './types.ts';

/** How capabilities are called in errors. */
const WORDS: Partial<Record<Capability, string>> = {
  embedding: 'embeddings',
  rerank: 'reranking',
  vision: 'images',
};

export interface CapabilityNeed {
  /** The model as the client named it. Default: its own name. */
  name?: string;
  /** What was requested, in the client's words. */
  what?: string;
  /** The field of the request that needs it. Default `model`. */
  param?: string;
  hint?: string;
}

/** Throws `unsupported` where a model is not made for something. */
export function requireCapability(model: InstalledModel, capability: Capability, need: CapabilityNeed = {}): void {
  if (!model.details.capabilities.includes(capability))
    throw unsupportedCapability(capability, { name: model.name, ...need });
}

/** The error of `requireCapability`, where more than the capability decides. */
export function unsupportedCapability(
  capability: Capability,
  { name, what = WORDS[capability] ?? capability, param = 'model', hint }: CapabilityNeed & { name: string },
): OmgError {
  return new OmgError('unsupported', `"${name}" does not support ${what}`, {
    hint: hint ?? '`omg show` lists what a model can do.',
    detail: { param, capability },
  });
}
