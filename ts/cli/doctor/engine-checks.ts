import { OmgError } from '../../errors/index.ts';
import { chooseCuda, type EngineReport, type Nvidia, nvidia, reportEngine } from '../../install/index.ts';
import { formatBytes } from '../terminal/units.ts';
import type { Finding } from './finding.ts';

/** The engine and why it is that one, what the CPU can do, and the GPU with its driver. */
export async function engineFindings(backends: string): Promise<Finding[]> {
  const [report, gpus] = await Promise.all([reportEngine(backends), nvidia()]);
  return [engine(report), ...cpu(report), ...gpu(report, gpus)];
}

function engine({ error, used, version, target, refused }: EngineReport): Finding {
  if (error !== undefined || used === undefined) {
    const { message, hint } = error ?? new OmgError('internal', 'No engine was found.');
    return { name: 'engine', status: 'failed', detail: message, ...(hint === undefined ? {} : { hint }) };
  }
  const words: Record<string, string> = { built: 'built in this checkout', given: 'given' };
  const detail = `${version} for ${target ?? 'this platform'}, ${words[used.flavour] ?? used.flavour}: ${used.path}`;
  if (refused.length === 0) return { name: 'engine', status: 'ok', detail };
  return {
    name: 'engine',
    status: 'warning',
    detail: `${detail}; not used: ${refused.map(({ addon, reason }) => `${addon.flavour} (${reason})`).join(', ')}`,
    hint: 'Install the backend again: `omg backend install cuda`, or remove it: `omg backend rm cuda`.',
  };
}

function cpu({ devices }: EngineReport): Finding[] {
  const found = devices.find(({ kind }) => kind === 'cpu');
  if (found === undefined) return [];
  const { name, features } = found;
  const detail = `${name}${features.length === 0 ? '' : ` (${features.join(', ')})`}`;
  const isSlow = process.arch === 'x64' && !features.includes('avx2');
  return [
    isSlow
      ? { name: 'cpu', status: 'warning', detail, hint: 'Without AVX2 the CPU is several times slower.' }
      : { name: 'cpu', status: 'ok', detail },
  ];
}

function gpu({ devices, used }: EngineReport, found: Nvidia | string | undefined): Finding[] {
  const inUse = devices.filter(({ kind }) => kind !== 'cpu');
  const list = inUse.map(({ name, memoryBytes }) => `${name} (${formatBytes(memoryBytes)})`).join(', ');
  if (found === undefined) {
    return [
      { name: 'gpu', ...(list === '' ? { status: 'skipped', detail: 'none found' } : { status: 'ok', detail: list }) },
    ];
  }
  if (typeof found === 'string') {
    return [{ name: 'gpu', status: 'warning', detail: found, hint: 'Models run on the CPU until the driver works.' }];
  }
  const names = found.gpus.map(
    ({ name, computeCapability, memoryBytes }) => `${name} (${computeCapability / 10}, ${formatBytes(memoryBytes)})`,
  );
  const detail = `${names.join(', ')}; driver ${found.driver}${found.cuda === undefined ? '' : `, CUDA ${found.cuda}`}`;
  if (inUse.some(({ kind }) => kind === 'cuda')) return [{ name: 'gpu', status: 'ok', detail }];
  try {
    chooseCuda(found);
    const hint =
      used?.flavour === 'built'
        ? 'Build for it: `node scripts/build-addon.mjs --features cuda`.'
        : 'Use it: `omg backend install cuda`.';
    return [{ name: 'gpu', status: 'warning', detail: `${detail}; not used`, hint }];
  } catch (error) {
    const { message, hint } = OmgError.from(error);
    return [
      {
        name: 'gpu',
        status: 'warning',
        detail: `${detail}; not used: ${message}`,
        ...(hint === undefined ? {} : { hint }),
      },
    ];
  }
}
