import { OmgError } from '../../errors/index.ts';
import type { Models } from '../../lifecycle/index.ts';

/** llama.cpp's server has one model and its clients name none: theirs is the one that is loaded. */
export function modelOr(models: Models, name: string | undefined): string {
  if (name !== undefined && name !== '') return name;
  const running = models.running();
  const only = running.length === 1 ? running[0] : undefined;
  if (only === undefined) {
    throw new OmgError('invalid_request', 'model is required', {
      hint: 'It can be left out while exactly one model is loaded.',
      detail: { param: 'model' },
    });
  }
  return only.name;
}
