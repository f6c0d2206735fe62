import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { OmgError } from '../../errors/index.ts';
import type {
  EngineCapabilities,
  EngineDriver,
  EngineLoad,
  LoadedModel,
  LoadOptions,
  MemoryPlan,
} from '../../inference/index.ts';
import { type Endpoint, exchangeJson } from '../http/index.ts';
import { type ChildExit, SupervisedChild } from '../supervised-child.ts';
import { type BinarySearch, describeBinary, findBinary, type LlamaServerBinary } from './binary.ts';
import { renderOptions } from './flags.ts';
import { LlamaServerModel } from './model.ts';
import type { LlamaServerOptions } from './options.ts';

export interface LlamaServerDriverOptions {
  search: BinarySearch;
  /** What the machine's owner says about every model, such as with LLAMA_ARGS. */
  options: LlamaServerOptions;
  /** Variables of this process that a child may see. */
  environment: Record<string, string>;
  /** What a model would take, where our engine can tell. */
  plan: (spec: EngineLoad) => Promise<MemoryPlan>;
  onLine?: (line: string, model: string) => void;
}

const CAPABILITIES: EngineCapabilities = {
  prompt: 'tokens',
  jsonSchema: 'engine',
  grammar: 'no',
  logprobs: 'engine',
  promptLogprobs: 'no',
  batchInvariant: false,
};

/** Variables that say where a driver's libraries lie, which GPUs there are, and how text is encoded. The rest of a llama-server's surroundings is made. */
const HANDED_ON =
  /^(?:PATH|LANG|LC_ALL|LC_CTYPE|TZ|LD_LIBRARY_PATH|DYLD_\w+|CUDA_\w+|NVIDIA_\w+|HIP_\w+|ROCR_\w+|SystemRoot|SystemDrive|windir|PROCESSOR_\w+|NUMBER_OF_PROCESSORS)$/i;

/** A context window where neither the request nor a plan says one. */
const DEFAULT_CONTEXT = 8192;
const POLL_MS = 50;
const STOP_MS = 3_000;

const healthSchema = z.object({ status: z.string() });
const propsSchema = z.object({
  default_generation_settings: z.object({ n_ctx: z.number().int().positive() }),
  build_info: z.string().optional(),
});
const tokensSchema = z.object({ tokens: z.array(z.number()) });
const modelsSchema = z.object({ data: z.array(z.object({ meta: z.object({ n_ctx_train: z.number() }).nullish() })) });

/** Serves models with a llama-server that is on this machine, one process for each. */
export class LlamaServerDriver implements EngineDriver {
  readonly #options: LlamaServerDriverOptions;
  readonly #models = new Set<LlamaServerModel>();
  readonly #starting = new Set<SupervisedChild>();
  #closed = false;

  constructor(options: LlamaServerDriverOptions) {
    this.#options = options;
  }

  /** The binary that serves. Throws `engine_unavailable`. */
  async binary(): Promise<LlamaServerBinary> {
    const { search } = this.#options;
    const path = await findBinary(search);
    if (path === undefined) {
      throw new OmgError(
        'engine_unavailable',
        search.named === ''
          ? 'No llama-server was found on this machine.'
          : `There is no llama-server at ${search.named}.`,
        { hint: 'Install llama.cpp, or name the binary with LLAMA_SERVER_PATH.' },
      );
    }
    return describeBinary(path, this.#environment(path, tmpdir()));
  }

  async load(spec: EngineLoad, { signal, onProgress }: LoadOptions = {}): Promise<LoadedModel> {
    const began = performance.now();
    const binary = await this.binary();
    const memory = await this.#plan(spec);
    if (signal?.aborted) throw cancelled();
    if (this.#closed) throw new OmgError('shutting_down', 'The engine is closed.');
    const scratch = await mkdtemp(join(tmpdir(), 'omg-llama-'));
    const cleanUp = (): Promise<void> => rm(scratch, { recursive: true, force: true, maxRetries: 5 });
    let child: SupervisedChild | undefined;
    const kill = (): void => child?.kill();
    try {
      const { at, args: listen } = await listener(scratch);
      await mkdir(join(scratch, 'home'));
      child = new SupervisedChild({
        file: binary.path,
        args: [...this.#arguments(spec, memory, binary), ...listen],
        environment: this.#environment(binary.path, scratch),
        cwd: scratch,
        onLine: (line) => {
          onProgress?.(0);
          this.#options.onLine?.(line, spec.path);
        },
      });
      this.#starting.add(child);
      signal?.addEventListener('abort', kill, { once: true });
      await ready(at, child, signal);
      const model = await this.#measured(at, child, {
        spec,
        binary,
        memory,
        loadMs: performance.now() - began,
        cleanUp,
      });
      if (signal?.aborted) throw cancelled();
      this.#models.add(model);
      void model.gone.then(() => this.#models.delete(model));
      return model;
    } catch (error) {
      const exit = await child?.stop(STOP_MS);
      await cleanUp();
      if (signal?.aborted) throw cancelled();
      throw exit === undefined ? error : asLoadError(error, exit);
    } finally {
      if (child !== undefined) this.#starting.delete(child);
      signal?.removeEventListener('abort', kill);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const child of this.#starting) child.kill();
    await Promise.all([...this.#models].map((model) => model.unload()));
  }

  #arguments(spec: EngineLoad, memory: MemoryPlan | undefined, { flags }: LlamaServerBinary): string[] {
    const own = this.#options.options;
    const slots = own.slots ?? spec.maxSequences ?? 1;
    const context = spec.contextLength ?? own.contextLength ?? memory?.contextLength ?? DEFAULT_CONTEXT;
    const threads = own.threads ?? (spec.threads || undefined);
    const gpuLayers = spec.device === 'cpu' ? 0 : own.gpuLayers;
    // Newer versions have another word for it.
    const noPage = flags.has('--no-ui') ? '--no-ui' : '--no-webui';
    const always = ['--offline', noPage, '--metrics', '--no-context-shift'].filter((flag) => flags.has(flag));
    const projector = spec.components?.find(({ role }) => role === 'projector');
    return [
      '--model',
      spec.path,
      // What it takes is the window of all slots together.
      ...renderOptions({ ...own, slots, contextLength: context * slots, threads, gpuLayers }, flags),
      ...always,
      ...(spec.capabilities?.includes('embedding') ? ['--embedding'] : []),
      ...(spec.capabilities?.includes('rerank') ? ['--reranking'] : []),
      ...(projector === undefined ? [] : ['--mmproj', projector.path]),
    ];
  }

  #environment(binary: string, scratch: string): Record<string, string> {
    const handed = Object.entries(this.#options.environment).filter(([name]) => HANDED_ON.test(name));
    const home = join(scratch, 'home');
    return {
      ...Object.fromEntries(handed),
      HOME: home,
      USERPROFILE: home,
      TMPDIR: scratch,
      TEMP: scratch,
      TMP: scratch,
      XDG_CACHE_HOME: home,
      LLAMA_CACHE: home,
      // Archives hold the libraries beside the binary.
      LD_LIBRARY_PATH: [dirname(binary), this.#options.environment.LD_LIBRARY_PATH ?? ''].filter(Boolean).join(':'),
    };
  }

  async #plan(spec: EngineLoad): Promise<MemoryPlan | undefined> {
    return this.#options.plan(spec).catch(() => undefined);
  }

  /** What the instance says of itself, and a token from it, as an open port alone proves nothing. */
  async #measured(
    at: Endpoint,
    child: SupervisedChild,
    parts: {
      spec: EngineLoad;
      binary: LlamaServerBinary;
      memory: MemoryPlan | undefined;
      loadMs: number;
      cleanUp: () => Promise<void>;
    },
  ): Promise<LlamaServerModel> {
    const { spec, binary, loadMs, cleanUp } = parts;
    const tokens = async (add_special: boolean): Promise<number[]> =>
      tokensSchema.parse(await exchangeJson(at, { path: '/tokenize', body: { content: 'a', add_special } })).tokens;
    const [props, models, bare, whole] = await Promise.all([
      exchangeJson(at, { path: '/props' }).then((json) => propsSchema.parse(json)),
      exchangeJson(at, { path: '/v1/models' }).then((json) => modelsSchema.parse(json)),
      tokens(false),
      tokens(true),
    ]);
    const isForText = !spec.capabilities || spec.capabilities.includes('completion');
    if (isForText) await exchangeJson(at, { path: '/completion', body: { prompt: whole, n_predict: 1 } });
    const start = whole.findIndex((_, from) => bare.every((token, index) => whole[from + index] === token));
    const contextLength = props.default_generation_settings.n_ctx;
    const weightsBytes = await stat(spec.path).then(({ size }) => size);
    return new LlamaServerModel({
      at,
      child,
      cleanUp,
      prefix: start > 0 ? whole.slice(0, start) : [],
      suffix: start >= 0 ? whole.slice(start + bare.length) : [],
      engine: { kind: 'llama-server', version: props.build_info ?? binary.version, capabilities: CAPABILITIES },
      info: {
        contextLength,
        trainedContextLength: models.data[0]?.meta?.n_ctx_train ?? contextLength,
        device: spec.device === undefined || spec.device === 'auto' ? 'llama-server' : spec.device,
        memory: { ...(parts.memory ?? unknownPlan(weightsBytes)), contextLength },
        loadMs,
      },
    });
  }
}

/** What is known of a model that our engine cannot plan: its files. */
function unknownPlan(weightsBytes: number): MemoryPlan {
  return {
    weightsBytes,
    kvBytesPerToken: 0,
    kvBytes: 0,
    stateBytes: 0,
    stateBytesPerSequence: 0,
    scratchBytes: 0,
    totalBytes: weightsBytes,
    availableBytes: weightsBytes,
    contextLength: 0,
    fits: true,
    devices: [],
    stages: [],
  };
}

/** A socket in a folder that only this user may enter; on Windows a port of this machine behind a key. */
async function listener(scratch: string): Promise<{ at: Endpoint; args: string[] }> {
  if (process.platform !== 'win32') {
    const socketPath = join(scratch, 'llama.sock');
    return { at: { url: 'http://llama-server', socketPath }, args: ['--host', socketPath] };
  }
  const key = randomBytes(24).toString('hex');
  const keyFile = join(scratch, 'key');
  await writeFile(keyFile, key, { mode: 0o600 });
  const port = await freePort();
  const args = ['--host', '127.0.0.1', '--port', String(port), '--api-key-file', keyFile];
  return { at: { url: `http://127.0.0.1:${port}`, key }, args };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Resolves when it says that the model is loaded; rejects when it ends first. */
async function ready(at: Endpoint, child: SupervisedChild, signal: AbortSignal | undefined): Promise<void> {
  let hasEnded = false;
  void child.ended.then(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    if (signal?.aborted) throw cancelled();
    const state = await exchangeJson(at, { path: '/health' }).then(
      (json) => healthSchema.safeParse(json).data?.status,
      () => undefined,
    );
    if (state === 'ok') return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new OmgError('model_load_failed', 'llama-server ended while it loaded the model.');
}

/** Why a process that did not come to serve ended, told from the last that it wrote: it has no other way to say it. */
function asLoadError(error: unknown, { code, signal, output }: ChildExit): OmgError {
  const known = OmgError.from(error);
  if (known.code !== 'model_load_failed' && known.code !== 'engine_unavailable') return known;
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const said = lines.findLast((line) => /error|fail|unable|unknown|invalid/i.test(line)) ?? lines.at(-1) ?? '';
  const detail = { code, signal, output: lines.slice(-20) };
  const reason = said.replace(/^[\d.]+ \w /, '').trim();
  if (/out of memory|failed to allocate|unable to allocate|cudaMalloc failed/i.test(output)) {
    return new OmgError('out_of_memory', `llama-server has no memory for the model: ${reason}`, {
      hint: 'Choose a smaller quantization or context length.',
      detail,
    });
  }
  if (/unknown model architecture/i.test(output)) {
    return new OmgError(
      'unsupported_architecture',
      `This llama-server does not know the model's architecture: ${reason}`,
      {
        hint: 'A newer llama.cpp may.',
        detail,
      },
    );
  }
  return new OmgError(
    'model_load_failed',
    `llama-server could not load the model (${signal ?? `exit code ${code}`})${reason === '' ? '.' : `: ${reason}`}`,
    { hint: '`omg logs` has what it wrote.', detail, cause: error },
  );
}

function cancelled(): OmgError {
  return new OmgError('cancelled', 'The load was cancelled.');
}
