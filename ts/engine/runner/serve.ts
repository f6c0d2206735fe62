import { OmgError } from '../../errors/index.ts';
import { type GenerateRequest, type Grammar, parseExact } from '../../inference/index.ts';
import { type Addon, type AddonGeneration, type AddonModel, type AddonTask, unwrap } from '../native/index.ts';
import { checkGrammar } from './grammar-check.ts';
import { BATCHES_AHEAD, type FromRunner, type RunnerAsk, type SentRequest, type ToRunner } from './protocol.ts';

interface RunningGeneration {
  generation: AddonGeneration;
  credit: number;
  cancelled: boolean;
  wake: () => void;
}

/** Answers the daemon's messages with the addon. At most one model per runner. */
export class RunnerServer {
  readonly #addon: Addon;
  readonly #send: (message: FromRunner) => void;
  readonly #generations = new Map<number, RunningGeneration>();
  /** Asked for and not yet started by the addon, and whether they have been cancelled since. */
  readonly #starting = new Map<number, { cancelled: boolean }>();
  readonly #tasks = new Map<number, AddonTask<unknown>>();
  #model: AddonModel | undefined;

  constructor(addon: Addon, send: (message: FromRunner) => void) {
    this.#addon = addon;
    this.#send = send;
  }

  async receive(message: ToRunner): Promise<void> {
    if (message.op === 'cancel') return this.#cancel(message.id);
    if (message.op === 'more') return this.#more(message.id);
    try {
      this.#send({ id: message.id, ok: await this.#answer(message) });
    } catch (error) {
      this.#send({ id: message.id, error: OmgError.from(error).toData() });
    }
  }

  async #answer(ask: RunnerAsk): Promise<unknown> {
    const addon = this.#addon;
    switch (ask.op) {
      case 'version':
        return addon.version();
      case 'devices':
        return unwrap(addon.devices());
      case 'inspect':
        return unwrap(addon.inspect(ask.path));
      case 'plan':
        return unwrap(addon.plan(ask.spec));
      case 'checkGrammar':
        return checkGrammar(addon, parseExact(ask.grammar) as Grammar, ask.limits);
      case 'quantize':
        await unwrap(addon.quantize(ask.path, ask.target, ask.out, (progress) => this.#send({ id: ask.id, progress })));
        return null;
      case 'load':
        this.#model = await unwrap(addon.load(ask.spec, (progress) => this.#send({ id: ask.id, progress })));
        return this.#model.info;
      case 'tokenize':
        return unwrap(this.#loaded().tokenize(ask.prompt));
      case 'detokenize':
        return unwrap(this.#loaded().detokenize(ask.tokens));
      case 'embed':
        return this.#run(ask.id, this.#loaded().embed(ask.request));
      case 'score':
        return this.#run(ask.id, this.#loaded().score(ask.request));
      case 'generate':
        await this.#generate(ask);
        return null;
      case 'unload':
        await unwrap(this.#loaded().unload());
        return null;
    }
  }

  async #run<T>(id: number, task: AddonTask<T>): Promise<T> {
    this.#tasks.set(id, task);
    try {
      return await unwrap(task.result());
    } finally {
      this.#tasks.delete(id);
    }
  }

  /** Pulls batches as long as the reader keeps up; the addon gathers events while it does not. */
  async #generate({ id, request }: Extract<RunnerAsk, { op: 'generate' }>): Promise<void> {
    const start = { cancelled: false };
    this.#starting.set(id, start);
    const generation = await unwrap(this.#loaded().generate(received(request))).finally(() =>
      this.#starting.delete(id),
    );
    const running: RunningGeneration = { generation, credit: BATCHES_AHEAD, cancelled: false, wake: () => {} };
    this.#generations.set(id, running);
    if (start.cancelled) this.#cancel(id);
    try {
      for (;;) {
        while (running.credit === 0 && !running.cancelled) {
          await new Promise<void>((resolve) => {
            running.wake = resolve;
          });
        }
        const events = await unwrap(generation.next());
        if (events === null) return;
        running.credit -= 1;
        if (events.length > 0) this.#send({ id, events });
        else running.credit += 1;
      }
    } finally {
      this.#generations.delete(id);
    }
  }

  #cancel(id: number): void {
    this.#tasks.get(id)?.cancel();
    const start = this.#starting.get(id);
    if (start !== undefined) start.cancelled = true;
    const running = this.#generations.get(id);
    if (running === undefined) return;
    running.cancelled = true;
    running.generation.cancel();
    running.wake();
  }

  #more(id: number): void {
    const running = this.#generations.get(id);
    if (running === undefined) return;
    running.credit += 1;
    running.wake();
  }

  #loaded(): AddonModel {
    if (this.#model === undefined) throw new OmgError('internal', 'The runner has no model.');
    return this.#model;
  }
}

function received({ grammar, ...request }: SentRequest): GenerateRequest {
  return grammar === undefined ? request : { ...request, grammar: parseExact(grammar) as Grammar };
}
