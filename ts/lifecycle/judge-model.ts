import { dirname, join, sep } from 'node:path';
import { OmgError } from '../errors/index.ts';
import type { LoadSpec, ModelInspector } from '../inference/index.ts';
import {
  configArchitecture,
  ggufArchitecture,
  openRegular,
  quantizationMethod,
  readRegular,
  taskOf,
} from '../library/index.ts';
import type { JudgedModel, ModelOutline } from '../sources/index.ts';
import { isVerdict } from './header-cache.ts';
import { parameterSize } from './model-details.ts';

/** `general.architecture` is among the first entries of a GGUF file. */
const BEGINNING_BYTES = 64 << 10;
const LARGEST_CONFIG = 4 << 20;

/**
 * What a model is, by its headers at a path. Throws what `ModelInspector.inspect` throws; where it says that the model cannot run, the error
 * tells what the model is instead.
 */
export async function judgeModel(
  engine: ModelInspector,
  path: string,
  about: JudgedModel,
  defaults: Partial<LoadSpec> = {},
): Promise<ModelOutline> {
  try {
    const header = await engine.inspect(path);
    const memory = await engine.plan({ ...defaults, path }).catch(() => undefined);
    return {
      family: header.architecture,
      parameterSize: parameterSize(header.parameterCount),
      quantization: header.quantization,
      ...(memory === undefined
        ? {}
        : { memory: { totalBytes: memory.totalBytes, availableBytes: memory.availableBytes, fits: memory.fits } }),
    };
  } catch (error) {
    throw isVerdict(error) ? await refusal(error, path, about) : error;
  }
}

/** The engine's verdict with what the model is, which says more than the name of its architecture. */
async function refusal(error: OmgError, path: string, about: JudgedModel): Promise<OmgError> {
  const { architecture, method } = await lookInside(path);
  const task = error.code === 'unsupported_architecture' ? taskOf({ ...about, architecture }) : undefined;
  const isQuantised = error.code === 'unsupported_quantization' && method !== undefined;
  const what =
    task !== undefined ? `it is ${task}` : isQuantised ? `its weights are quantised with ${method}` : undefined;
  // Where the headers lie for the moment means nothing to anybody.
  const reason = error.message
    .replaceAll(`${path}: `, '')
    .replaceAll(`${path}${sep}`, '')
    .replaceAll(path, about.name)
    .replaceAll(`${dirname(path)}${sep}`, '');
  const head = `${about.name} cannot run here${what === undefined ? '' : `: ${what}`}.`;
  const instead = isQuantised ? 'Look for a GGUF of it' : 'Look for another model';
  return new OmgError(error.code, `${head} ${sentence(reason)}`, {
    hint: `${instead} with \`omg search\`. \`--force\` (in a request: "force": true) brings it all the same.`,
    detail: { model: about.name, ...(architecture === undefined ? {} : { architecture }) },
    cause: error,
  });
}

async function lookInside(path: string): Promise<{ architecture?: string; method?: string }> {
  const config = await readRegular(join(path, 'config.json'), LARGEST_CONFIG).then(parse, () => undefined);
  const architecture = config === undefined ? ggufArchitecture(await beginning(path)) : configArchitecture(config);
  const method = quantizationMethod(config);
  return {
    ...(architecture === undefined ? {} : { architecture }),
    ...(method === undefined ? {} : { method }),
  };
}

async function beginning(path: string): Promise<Buffer> {
  const file = await openRegular(path).catch(() => undefined);
  if (file === undefined) return Buffer.alloc(0);
  try {
    const { buffer, bytesRead } = await file.handle.read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return Buffer.alloc(0);
  } finally {
    await file.handle.close();
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}

/** For pulls: an engine that is missing or fails is no reason to bring nothing. */
export async function judgeRemote(...asked: Parameters<typeof judgeModel>): Promise<ModelOutline | undefined> {
  try {
    return await judgeModel(...asked);
  } catch (error) {
    if (isVerdict(error)) throw error;
    return undefined;
  }
}
