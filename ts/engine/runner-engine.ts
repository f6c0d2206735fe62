import { childEnvironment, type Environment, entryFile } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import type {
  DeviceInfo,
  Engine,
  EngineLoad,
  Grammar,
  LoadedModel,
  LoadOptions,
  LoadSpec,
  MemoryPlan,
  ModelHeader,
} from '../inference/index.ts';
import { GrammarTrials, type GrammarTrialsOptions } from './grammar-trials.ts';
import { type AddonCandidate, addonCandidates, addonUnavailable } from './native/index.ts';
import { Probe } from './probe.ts';
import { RunnerModel } from './runner-model.ts';
import { RunnerProcess } from './runner-process.ts';

export interface RunnerEngineOptions {
  /** The addon's file; absent: the checkout's build, then the package of this platform. */
  addonFile?: string;
  /** Folder of the backends that were installed beside the package. Absent: none is looked for. */
  backends?: string;
  /** The runner's entry; default the one of the sources or of the bundle. */
  entry?: URL;
  /** Of the runners; absent: that of this process. What looks like a secret is left out. */
  environment?: Environment;
  /** What runners write to stderr, line by line. */
  onStderr?: (line: string, runner: { pid: number | undefined; model: string }) => void;
  /** An addon that was to be used does not work, and the next one is. */
  onFallback?: (addon: AddonCandidate, reason: string) => void;
  /** For devices, inspect and plan. Default 60,000. */
  probeTimeoutMs?: number;
  /** How long the process of those stays for further questions. Default 2,000. */
  probeIdleMs?: number;
  /** What the trial of a grammar may take. */
  grammars?: Omit<GrammarTrialsOptions, 'start'>;
}

/** How long runners may take to finish when the engine closes. Who wants answers to finish waits for them before. */
const CLOSE_PATIENCE_MS = 5_000;

/** A list of many models need not try a broken addon for each of them; a repair still takes effect at once. */
const FAILURE_KEPT_MS = 2_000;

/** Runs each model in a child process that loads the addon. The process that makes a `RunnerEngine` never does. */
export class RunnerEngine implements Engine {
  readonly #options: RunnerEngineOptions;
  readonly #entry: URL;
  readonly #probe: Probe;
  readonly #grammars: GrammarTrials;
  readonly #models = new Set<RunnerModel>();
  readonly #loading = new Set<RunnerProcess>();
  /** The addon that has loaded and answered in a process made for that. */
  #trusted: AddonCandidate | undefined;
  #failure: { error: OmgError; untilMs: number } | undefined;
  #version: string | undefined;
  #closed = false;

  constructor(options: RunnerEngineOptions = {}) {
    this.#options = options;
    this.#entry = options.entry ?? entryFile(import.meta.url, './runner/main.ts', 'runner');
    this.#probe = new Probe({
      start: () => this.#startProbe(),
      timeoutMs: options.probeTimeoutMs ?? 60_000,
      idleMs: options.probeIdleMs ?? 2_000,
    });
    this.#grammars = new GrammarTrials({ start: () => this.#startTrial(), ...options.grammars });
  }

  /** The addon's version. Throws `addon_unavailable`. */
  async version(): Promise<string> {
    return this.#probe.ask('version', {});
  }

  /** The addon that works, found out in a process of its own. Throws `addon_unavailable`. */
  async addon(): Promise<AddonCandidate> {
    await this.version();
    if (this.#trusted === undefined) throw addonUnavailable([]);
    return this.#trusted;
  }

  async devices(): Promise<DeviceInfo[]> {
    return this.#probe.ask('devices', {});
  }

  async inspect(path: string): Promise<ModelHeader> {
    return this.#probe.ask('inspect', { path });
  }

  async plan(spec: LoadSpec): Promise<MemoryPlan> {
    const { engine: _, capabilities: __, ...ours } = spec as EngineLoad;
    return this.#probe.ask('plan', { spec: ours });
  }

  async checkGrammar(grammar: Grammar, signal?: AbortSignal): Promise<void> {
    await this.#grammars.check(grammar, signal);
  }

  async quantize(path: string, target: string, out: string, { signal, onProgress }: LoadOptions = {}): Promise<void> {
    if (this.#trusted === undefined) await this.version();
    if (signal?.aborted) throw cancelled('The work');
    if (this.#closed) throw new OmgError('shutting_down', 'The engine is closed.');
    const process = this.#start(this.#trusted?.path ?? '', path);
    this.#loading.add(process);
    const kill = (): void => process.kill();
    signal?.addEventListener('abort', kill, { once: true });
    try {
      await process.call('quantize', { path, target, out }, { onProgress });
    } catch (error) {
      throw signal?.aborted ? cancelled('The work') : error;
    } finally {
      kill();
      await process.ended;
      this.#loading.delete(process);
      signal?.removeEventListener('abort', kill);
    }
  }

  async load(
    { engine: _, capabilities: __, ...spec }: EngineLoad,
    { signal, onProgress }: LoadOptions = {},
  ): Promise<LoadedModel> {
    this.#version ??= await this.version();
    if (signal?.aborted) throw cancelled();
    if (this.#closed) throw new OmgError('shutting_down', 'The engine is closed.');
    const process = this.#start(this.#trusted?.path ?? '', spec.path);
    this.#loading.add(process);
    const kill = (): void => process.kill();
    signal?.addEventListener('abort', kill, { once: true });
    try {
      const info = await process.call('load', { spec }, { onProgress });
      if (signal?.aborted) throw cancelled();
      const model = new RunnerModel(process, info, this.#version);
      this.#models.add(model);
      void model.gone.then(() => this.#models.delete(model));
      return model;
    } catch (error) {
      kill();
      await process.ended;
      if (signal?.aborted) throw cancelled();
      throw asLoadError(OmgError.from(error));
    } finally {
      this.#loading.delete(process);
      signal?.removeEventListener('abort', kill);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const process of this.#loading) process.kill();
    const models = [...this.#models];
    const patience = setTimeout(() => {
      for (const model of models) model.kill();
    }, CLOSE_PATIENCE_MS);
    await Promise.all(models.map((model) => model.unload()));
    clearTimeout(patience);
    await Promise.all([this.#probe.close(), this.#grammars.close()]);
  }

  async #startTrial(): Promise<RunnerProcess> {
    if (this.#trusted === undefined) await this.version();
    return this.#start(this.#trusted?.path ?? '', 'grammar');
  }

  #start(addonFile: string, model: string): RunnerProcess {
    const { environment, onStderr } = this.#options;
    const runner: RunnerProcess = new RunnerProcess({
      entry: this.#entry,
      addonFile,
      environment: childEnvironment(environment),
      onStderr: (line) => onStderr?.(line, { pid: runner.pid, model }),
    });
    return runner;
  }

  /** Also finds out which addon works, as its process is thrown away. */
  async #startProbe(): Promise<RunnerProcess> {
    if (this.#trusted !== undefined) return this.#start(this.#trusted.path, 'probe');
    if (this.#failure !== undefined && performance.now() < this.#failure.untilMs) throw this.#failure.error;
    const candidates = addonCandidates({ explicit: this.#options.addonFile, backends: this.#options.backends });
    let reason: string | undefined;
    for (const [at, candidate] of candidates.entries()) {
      reason = candidate.problem;
      if (reason === undefined) {
        const process = this.#start(candidate.path, 'probe');
        try {
          await process.call('version', {});
          this.#trusted = candidate;
          return process;
        } catch (error) {
          reason = OmgError.from(error).message;
          process.kill();
          await process.ended;
        }
      }
      if (at < candidates.length - 1) this.#options.onFallback?.(candidate, reason);
    }
    const error = addonUnavailable(candidates, reason);
    this.#failure = { error, untilMs: performance.now() + FAILURE_KEPT_MS };
    throw error;
  }
}

function cancelled(what = 'The load'): OmgError {
  return new OmgError('cancelled', `${what} was cancelled.`);
}

/** A process that dies while it loads did not load. */
function asLoadError(error: OmgError): OmgError {
  if (error.code !== 'runner_crashed') return error;
  return new OmgError('model_load_failed', `The model could not be loaded. ${error.message}`, {
    hint:
      error.detail?.signal === 'SIGKILL'
        ? 'The system may have run out of memory. Choose a smaller model or context length.'
        : error.hint,
    detail: error.detail,
    cause: error,
  });
}
