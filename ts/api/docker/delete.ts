import { OmgError } from '../../errors/index.ts';
import type { InstalledModel, Models } from '../../lifecycle/index.ts';
import { nameVariants } from './name-variants.ts';

type Step = { Untagged: string } | { Deleted: string };

const ID = /^(?:sha256:)?([0-9a-f]{12,64})$/i;

/**
 * Takes a name away, and the model with its last name. An id takes all names, if it has one only or force is set. Throws
 * `model_not_found`, `ambiguous_model_name`, `conflict`.
 */
export async function deleteModel(models: Models, reference: string, force: boolean): Promise<Step[]> {
  const installed = await models.list();
  const digits = ID.exec(reference)?.[1]?.toLowerCase();
  const byId = digits === undefined ? [] : installed.filter(({ record }) => record.digest.startsWith(digits));
  if (byId.length > 0) return deleteById(models, reference, byId, force);
  const model = await meantBy(models, reference);
  await removeName(models, reference);
  if (model === undefined) return [{ Untagged: reference }];
  const { digest } = model.record;
  const others = installed.filter(({ name, record }) => name !== model.name && record.digest === digest);
  return [{ Untagged: model.name }, ...(others.length === 0 ? [{ Deleted: `sha256:${digest}` }] : [])];
}

/** Removes all that can be removed; what comes with the program stays. */
export async function purge(models: Models): Promise<void> {
  for (const { name, record } of await models.list()) {
    if (record.source.scheme !== 'bundled') await models.remove(name);
  }
}

async function deleteById(models: Models, reference: string, found: InstalledModel[], force: boolean): Promise<Step[]> {
  const names = found.map(({ name }) => name);
  const digests = new Set(found.map(({ record }) => record.digest));
  if (digests.size > 1) {
    throw new OmgError('ambiguous_model_name', `${reference} is the beginning of several ids: ${names.join(', ')}.`);
  }
  if (names.length > 1 && !force) {
    throw new OmgError('conflict', `unable to delete ${reference} without force: it has the tags ${names.join(', ')}.`);
  }
  for (const name of names) await models.remove(name);
  return [
    ...names.map((name) => ({ Untagged: name })),
    ...[...digests].map((digest) => ({ Deleted: `sha256:${digest}` })),
  ];
}

/** Undefined for a model whose file is damaged: it can still be removed. */
async function meantBy(models: Models, reference: string): Promise<InstalledModel | undefined> {
  try {
    return await models.resolve(reference);
  } catch (error) {
    if (error instanceof OmgError && error.status >= 500) return undefined;
    throw error;
  }
}

/** A name goes by its exact form; that several spellings are one name is this surface's grammar and no guess. */
async function removeName(models: Models, reference: string): Promise<void> {
  let missing: unknown;
  for (const name of nameVariants(reference)) {
    try {
      await models.remove(name);
      return;
    } catch (error) {
      if (!(error instanceof OmgError) || error.code !== 'model_not_found') throw error;
      missing ??= error;
    }
  }
  throw missing;
}
