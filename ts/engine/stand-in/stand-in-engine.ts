import { readFile, writeFile } from 'node:fs/promises';
import { OmgError } from '../../errors/index.ts';
import type {
  DeviceInfo,
  Engine,
  LoadedModel,
  LoadOptions,
  LoadSpec,
  MemoryPlan,
  ModelHeader,
} from '../../inference/index.ts';
import type { StandInGeneration, StandInLoad, StandInScript } from './script.ts';
import { StandInModel } from './stand-in-model.ts';

const GIB = 2 ** 30;

/** The smallest template that uses every ability a dialect can ask for: system, tools, thinking. */
export const STAND_IN_TEMPLATE =
  '{%- if tools %}<|im_start|>system\nTools:{% for tool in tools %} {{ tool | tojson }}{% endfor %}\nCall as <tool_call>{json}</tool_call><|im_end|>\n{% endif %}' +
  '{%- for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}' +
  '{%- for call in message.tool_calls or [] %}<tool_call>{{ call.function | tojson }}</tool_call>{% endfor %}<|im_end|>\n{% endfor %}' +
  '{%- if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}';

export interface StandInOptions {
  /** Waits so many milliseconds or until the signal aborts, never rejects. Default: real timers. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  devices?: DeviceInfo[];
}

/** An engine without processes or weights for tests: it follows a script per model path and records what was asked of it. */
export class StandInEngine implements Engine {
  readonly loads: StandInLoad[] = [];
  readonly generations: StandInGeneration[] = [];
  readonly #script: (path: string) => StandInScript;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #devices: DeviceInfo[];
  readonly #models = new Set<StandInModel>();

  /** @param script one behaviour for every path, or a function of the path, asked anew at each call. */
  constructor(script: StandInScript | ((path: string) => StandInScript) = {}, options: StandInOptions = {}) {
    this.#script = typeof script === 'function' ? script : () => script;
    this.#sleep = options.sleep ?? sleep;
    this.#devices = options.devices ?? [
      { id: 'cpu', kind: 'cpu', name: 'Stand-in CPU', memoryBytes: 16 * GIB, freeMemoryBytes: 8 * GIB, features: [] },
    ];
  }

  async devices(): Promise<DeviceInfo[]> {
    return this.#devices;
  }

  async inspect(path: string): Promise<ModelHeader> {
    const script = this.#script(path);
    if (script.inspectError) throw script.inspectError;
    return {
      format: 'gguf',
      architecture: 'llama',
      metadata: { 'general.architecture': 'llama', 'llama.context_length': 8192 },
      parameterCount: 1_000_000,
      quantization: 'Q8_0',
      trainedContextLength: 8192,
      embeddingLength: 64,
      blockCount: 2,
      sizeBytes: 1_100_000,
      chatTemplate: STAND_IN_TEMPLATE,
      specialTokens: { bos_token: '<s>', eos_token: '<|im_end|>' },
      capabilities: ['completion'],
      tensors: [{ name: 'token_embd.weight', type: 'Q8_0', shape: [512, 64] }],
      ...script.header,
    };
  }

  async checkGrammar(): Promise<void> {}

  async plan(spec: LoadSpec): Promise<MemoryPlan> {
    const script = this.#script(spec.path);
    if (script.inspectError) throw script.inspectError;
    const header = await this.inspect(spec.path);
    const contextLength = Math.min(spec.contextLength ?? script.contextLength ?? 4096, header.trainedContextLength);
    return {
      weightsBytes: 1_000_000,
      kvBytesPerToken: 64,
      kvBytes: 64 * contextLength,
      stateBytesPerSequence: 0,
      stateBytes: 0,
      scratchBytes: 1000,
      totalBytes: 1_001_000 + 64 * contextLength,
      availableBytes: 8 * GIB,
      fits: true,
      devices: [{ device: 'cpu', totalBytes: 1_001_000 + 64 * contextLength, availableBytes: 8 * GIB }],
      stages: [{ name: 'generate', scratchBytes: 1000 }],
      ...script.memory,
      contextLength,
    };
  }

  /** Copies the file and names the target behind it. */
  async quantize(path: string, target: string, out: string, { onProgress }: LoadOptions = {}): Promise<void> {
    if (!/^q\d/i.test(target)) throw new OmgError('invalid_request', `${target} is not a quantisation`);
    for (const fraction of [0.5, 1]) onProgress?.(fraction);
    await writeFile(out, `${await readFile(path, 'utf8')} ${target}`);
  }

  async load(spec: LoadSpec, options: LoadOptions = {}): Promise<LoadedModel> {
    const script = this.#script(spec.path);
    const record: StandInLoad = {
      path: spec.path,
      contextLength: spec.contextLength,
      tokenizerOnly: spec.tokenizerOnly ?? false,
      state: 'loading',
    };
    this.loads.push(record);
    const signal = options.signal ?? new AbortController().signal;
    const began = Date.now();
    options.onProgress?.(0);
    await this.#sleep(script.loadMs ?? 0, signal);
    if (signal.aborted) {
      record.state = 'aborted';
      throw new OmgError('cancelled', 'The load was cancelled.');
    }
    if (script.loadError) {
      record.state = 'failed';
      throw script.loadError;
    }
    options.onProgress?.(1);
    const memory = await this.plan(spec);
    if (!memory.fits) {
      record.state = 'failed';
      const { totalBytes, availableBytes } = memory;
      throw new OmgError('out_of_memory', `The model needs ${totalBytes} bytes, ${availableBytes} are free.`, {
        detail: { totalBytes, availableBytes },
      });
    }
    const header = await this.inspect(spec.path);
    record.state = 'loaded';
    const info = {
      contextLength: memory.contextLength,
      trainedContextLength: header.trainedContextLength,
      device: 'cpu',
      memory,
      loadMs: Date.now() - began,
    };
    const model = new StandInModel(this.generations, spec.path, info, record, script, this.#sleep);
    this.#models.add(model);
    void model.gone.then(() => this.#models.delete(model));
    return model;
  }

  /** Kills the "process" of every model loaded from this path, as `kill -9` of a runner would. */
  crash(path: string): void {
    for (const model of this.#models) if (model.path === path) model.crash();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#models].map((model) => model.unload()));
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    if (ms <= 0) {
      setImmediate(resolve);
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
