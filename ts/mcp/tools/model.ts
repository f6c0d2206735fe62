import { z } from 'zod';
import type { Client } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';

export const nonEmpty = z.string().trim().min(1);

/** The name, or the one model that can be meant without it among those that can do this. Throws `invalid_request` that lists them. */
export async function modelOrOnly(
  client: Client,
  name: string | undefined,
  capability: 'completion' | 'embedding',
): Promise<string> {
  if (name !== undefined) return name;
  const models = (await client.list()).filter(({ capabilities }) => capabilities?.includes(capability));
  const loaded = models.filter(({ state }) => state === 'running');
  const only = loaded.length === 1 ? loaded[0] : models.length === 1 ? models[0] : undefined;
  if (only !== undefined) return only.name;
  throw new OmgError('invalid_request', 'model is required: it is not clear which one is meant.', {
    hint:
      models.length === 0
        ? 'No such model is installed; `search` finds some and `pull` installs one.'
        : `It may be ${models.map((model) => model.name).join(', ')}.`,
    detail: { param: 'model' },
  });
}
