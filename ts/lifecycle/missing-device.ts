import { OmgError } from '../errors/index.ts';
import type { ModelInspector } from '../inference/index.ts';

/** Adds to a refusal of the engine what devices there are, and what would bring the one that was asked for, where that is why. */
export async function explainMissingDevice(
  engine: Pick<ModelInspector, 'devices'>,
  device: string | undefined,
  error: unknown,
): Promise<unknown> {
  const isNamed = device !== undefined && device !== 'auto' && device !== 'cpu';
  if (!isNamed || !(error instanceof OmgError) || error.code !== 'unsupported') return error;
  const found = await engine.devices().catch(() => undefined);
  if (found === undefined || found.some(({ id }) => id === device)) return error;
  const remedy = device.startsWith('cuda')
    ? 'For an NVIDIA GPU `omg backend install cuda` brings the engine; else'
    : 'Metal is on Macs only;';
  return new OmgError(error.code, error.message, {
    hint: `There is ${found.map(({ id }) => id).join(', ')}. ${remedy} set models.device (OMG_DEVICE) to auto.`,
    detail: error.detail,
    cause: error,
  });
}
