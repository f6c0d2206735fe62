import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { childEnvironment } from '../config/index.ts';

const ANSWER_MS = 10_000;

export interface NvidiaGpu {
  name: string;
  /** Times ten: 90 is 9.0. */
  computeCapability: number;
  driver: string;
  memoryBytes: number;
}

export interface Nvidia {
  gpus: NvidiaGpu[];
  driver: string;
  /** Highest CUDA version that the driver knows. */
  cuda: string | undefined;
}

/** The NVIDIA GPUs as their driver describes them; undefined without a driver, a text where it does not work. */
export async function nvidia(): Promise<Nvidia | string | undefined> {
  const query = '--query-gpu=name,compute_cap,driver_version,memory.total';
  const list = await ask('nvidia-smi', [query, '--format=csv,noheader,nounits']);
  if (list.code === 'ENOENT') {
    // The kernel module may be there without the tools.
    const module = await readFile('/proc/driver/nvidia/version', 'utf8').catch(() => undefined);
    return module === undefined ? undefined : 'the NVIDIA driver is loaded, and its nvidia-smi was not found';
  }
  if (list.code !== 0) return `nvidia-smi says: ${list.text.trim().split('\n').at(-1) ?? ''}`;
  const gpus = parseGpus(list.text);
  const driver = gpus[0]?.driver;
  if (driver === undefined) return 'nvidia-smi lists no GPU';
  const { text } = await ask('nvidia-smi', []);
  return { gpus, driver, cuda: /CUDA (?:UMD )?Version:\s*([\d.]+)/.exec(text)?.[1] };
}

/** Lines of `name, compute capability, driver, MiB`. What does not fit is left out. */
export function parseGpus(text: string): NvidiaGpu[] {
  return text.split('\n').flatMap((line) => {
    const [name, capability, driver, memory] = line.split(',').map((field) => field.trim());
    const match = /^(\d+)\.(\d)$/.exec(capability ?? '');
    if (name === undefined || driver === undefined || match === null) return [];
    const mebibytes = Number(memory);
    return [
      {
        name,
        driver,
        computeCapability: Number(match[1]) * 10 + Number(match[2]),
        memoryBytes: Number.isFinite(mebibytes) ? mebibytes * 1024 * 1024 : 0,
      },
    ];
  });
}

function ask(command: string, args: string[]): Promise<{ code: number | string; text: string }> {
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { timeout: ANSWER_MS, windowsHide: true, env: childEnvironment() },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? 1), text: stdout || stderr });
      },
    );
  });
}
