import { OmgError } from '../../errors/index.ts';
import { type Grammar, parseExact } from '../../inference/index.ts';
import { type Addon, type AddonModel, type AddonTask, unwrap } from '../native/index.ts';
import { checkGrammar } from './grammar-check.ts';
import { BATCHES_AHEAD, type FromRunner, type RunnerAsk, type ToRunner } from './protocol.ts';
import { lengthOf, TextLine } from './text-line.ts';

interface RunningTask {
  task: AddonTask;
  credit: number;
  cancelled: boolean;
  wake: () => void;
}

/** Answers the daemon's messages with the addon. At most one model per runner. */
export class RunnerServer {
  readonly #addon: Addon;
  readonly #send: (message: FromRunner) => void;
  readonly #running = new Map<number, RunningTask>();
  readonly #texts = new TextLine();
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
        return this.#texts.run(ask.id, lengthOf(ask.prompt), () => unwrap(this.#loaded().tokenize(ask.prompt)));
      case 'detokenize':
        return this.#texts.run(ask.id, ask.tokens.length, () => unwrap(this.#loaded().detokenize(ask.tokens)));
      case 'work':
        await this.#work(ask.id, this.#loaded().start(ask.request, ask.attachments));
        return null;
      case 'unload':
        await unwrap(this.#loaded().unload());
        return null;
    }
  }

  /** Pulls batches as long as the reader keeps up; the addon gathers events while it does not. */
  async #work(id: number, task: AddonTask): Promise<void> {
    const running: RunningTask = { task, credit: BATCHES_AHEAD, cancelled: false, wake: () => {} };
    this.#running.set(id, running);
    try {
      for (;;) {
        while (running.credit === 0 && !running.cancelled) {
          await new Promise<void>((resolve) => {
            running.wake = resolve;
          });
        }
        const events = await unwrap(task.next());
        if (events === null) return;
        if (events.length === 0) continue;
        running.credit -= 1;
        this.#send({ id, events });
      }
    } finally {
      this.#running.delete(id);
    }
  }

  #cancel(id: number): void {
    this.#texts.drop(id);
    const running = this.#running.get(id);
    if (running === undefined) return;
    running.cancelled = true;
    running.task.cancel();
    running.wake();
  }

  #more(id: number): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    running.credit += 1;
    running.wake();
  }

  #loaded(): AddonModel {
    if (this.#model === undefined) throw new OmgError('internal', 'The runner has no model.');
    return this.#model;
  }
}
