import type { InstalledModel } from '../../lifecycle/index.ts';

/** What a model is mainly for, in our own fields of model objects. */
export function kindOf({ details: { capabilities } }: Pick<InstalledModel, 'details'>): string {
  if (capabilities.includes('completion')) return 'chat';
  return capabilities.includes('rerank') ? 'rerank' : 'embedding';
}
