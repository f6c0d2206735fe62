import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CUDA, cudaCapabilityFor, cudaMajor, nativePackage } from '../../scripts/targets.ts';
import { VERSION } from '../config/index.ts';
import { type InstalledBackend, RunnerEngine, thisTarget } from '../engine/index.ts';
import { OmgError } from '../errors/index.ts';
import type { DeviceInfo } from '../inference/index.ts';
import type { Nvidia } from './gpu.ts';
import type { Network } from './network.ts';
import { Registry } from './registry.ts';

export interface BackendChoice {
  package: string;
  capability: number;
  gpu: string;
}

/** The CUDA package for this machine. Throws `unsupported` with what stands in the way. */
export function chooseCuda(found: Nvidia | string | undefined, target = thisTarget()?.name): BackendChoice {
  const cannot = (message: string, hint?: string): OmgError => new OmgError('unsupported', message, { hint });
  if (target === undefined || !CUDA.targets.includes(target)) {
    throw cannot(
      `There is no CUDA backend for ${target ?? process.platform}.`,
      `It exists for ${CUDA.targets.join(', ')}.`,
    );
  }
  if (found === undefined)
    throw cannot('No NVIDIA driver was found.', 'Install it from your distribution, then try again.');
  if (typeof found === 'string') throw cannot(`The NVIDIA driver does not work: ${found}.`);
  const [gpu] = [...found.gpus].sort((a, b) => b.computeCapability - a.computeCapability);
  if (gpu === undefined) throw cannot('No NVIDIA GPU was found.');
  const major = Number(found.driver.split('.')[0]);
  if (!(major >= CUDA.oldestDriver)) {
    throw cannot(
      `The NVIDIA driver ${found.driver} is too old.`,
      `The CUDA backend needs ${CUDA.oldestDriver} or newer.`,
    );
  }
  const capability = cudaCapabilityFor(gpu.computeCapability);
  if (capability === undefined) {
    const generations = [...new Set(CUDA.capabilities.map(cudaMajor))];
    throw cannot(
      `There is no CUDA backend for ${gpu.name}: it has compute capability ${gpu.computeCapability / 10}.`,
      `There are backends for ${generations.map((major) => `${major}.x`).join(', ')}.`,
    );
  }
  return { package: nativePackage(target, capability), capability, gpu: gpu.name };
}

export interface InstallOptions {
  network: Network;
  /** Folder of the backends. */
  folder: string;
  choice: BackendChoice;
  version?: string;
  /** What an addon finds, asked in a process that is thrown away. */
  probe?: (addonFile: string) => Promise<DeviceInfo[]>;
}

/** Fetches a CUDA addon, checks it against the signed list of its release, tries it in a process of its own, and only then puts it in place. */
export async function installCuda({
  network,
  folder,
  choice,
  version = VERSION,
  probe = probeAddon,
}: InstallOptions): Promise<InstalledBackend & { devices: DeviceInfo[] }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stage = await mkdtemp(join(folder, '.cuda-'));
  try {
    const staged = join(stage, 'new');
    const integrity = await Registry.use(network, async (registry) =>
      registry.extract(choice.package, version, staged, await registry.signedList(version)),
    );
    const found = await probe(join(staged, 'omg.node')).catch((error: unknown) => {
      throw notLoading(choice.package, error);
    });
    const devices = found.filter(({ kind }) => kind === 'cuda');
    if (devices.length === 0) {
      throw new OmgError('addon_unavailable', `${choice.package} loads and finds no GPU.`, {
        hint: 'Nothing was changed. `omg doctor` tells more about the driver.',
      });
    }
    const record = { package: choice.package, version, integrity, installedAt: new Date().toISOString() };
    await writeFile(join(staged, 'backend.json'), `${JSON.stringify(record, null, 2)}\n`);
    await replaceFolder(join(folder, 'cuda'), staged, join(stage, 'old'));
    return { ...record, devices };
  } finally {
    await rm(stage, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Most often it is a library of CUDA that the system lacks; the loader's message names it. */
function notLoading(name: string, error: unknown): OmgError {
  const { code, message, detail } = OmgError.from(error);
  if (code !== 'addon_unavailable') return OmgError.from(error);
  return new OmgError(code, `${name} does not load: ${message}`, {
    hint: `Nothing was changed. It needs the libraries of CUDA ${CUDA.toolkit.split('.')[0]}: cudart, cublas, curand.`,
    detail,
    cause: error,
  });
}

/** Removes a backend; false where there was none. */
export async function removeBackend(folder: string, name: string): Promise<boolean> {
  const aside = join(folder, `.${name}-removed-${process.pid}`);
  try {
    await rename(join(folder, name), aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
  return true;
}

async function replaceFolder(target: string, staged: string, old: string): Promise<void> {
  await rename(target, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(staged, target);
}

async function probeAddon(addonFile: string): Promise<DeviceInfo[]> {
  const engine = new RunnerEngine({ addonFile });
  try {
    return await engine.devices();
  } finally {
    await engine.close();
  }
}
