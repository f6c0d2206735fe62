import { type InstalledModel, mainWork, WORK_KINDS } from '../../lifecycle/index.ts';

/** What a model is mainly for, in our own fields of model objects. */
export function kindOf({ details }: Pick<InstalledModel, 'details'>): string {
  return WORK_KINDS[mainWork(details)].modelKind;
}
