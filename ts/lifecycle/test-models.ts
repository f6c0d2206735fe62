import { ChatTemplates, runTask, type TemplateRenderer } from '../chat/index.ts';
import { StandInEngine, type StandInScript } from '../engine/index.ts';
import { OmgError } from '../errors/index.ts';
import type { ChatEvent, GenerateEvent, GenerateRequest } from '../inference/index.ts';
import type { InstallRecord, ModelName, OwnTraits } from '../library/index.ts';
import { ManualClock } from './clock.ts';
import { ModelManager } from './model-manager.ts';
import type { Limits, ModelStore, Puller } from './ports.ts';

/** What the tests of this folder share: a manager over the stand-in engine, with a clock that moves only when told to. */
export interface TestModels {
  manager: ModelManager;
  engine: StandInEngine;
  clock: ManualClock;
  store: MemoryStore;
}

export interface TestOptions {
  script?: StandInScript | ((path: string) => StandInScript);
  limits?: Partial<Limits>;
  names?: string[];
  puller?: Puller;
}

/** Renders in this thread: the templates of tests are trusted, and no time passes. */
const HERE: TemplateRenderer = { run: async (task) => runTask(task), close: async () => {} };

export function testModels(options: TestOptions = {}): TestModels {
  const clock = new ManualClock();
  // Delays of a script pass on the manual clock.
  const engine = new StandInEngine(options.script, {
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) resolve();
        else if (ms === 0) setImmediate(resolve);
        else {
          clock.timer(ms, resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        }
      }),
  });
  const store = new MemoryStore(options.names ?? ['a', 'b', 'c']);
  const manager = new ModelManager({
    engine,
    library: store,
    puller: options.puller ?? { pull: () => Promise.reject(new OmgError('hub_unreachable', 'no hub')) },
    limits: options.limits,
    clock,
    templates: new ChatTemplates(HERE),
    files: { fingerprint: async (path) => path, readText: async () => undefined },
  });
  return { manager, engine, clock, store };
}

export class MemoryStore implements ModelStore {
  records: InstallRecord[];

  constructor(names: string[]) {
    this.records = names.map(testRecord);
  }

  async list(): Promise<InstallRecord[]> {
    return this.records;
  }

  async resolve(name: string): Promise<InstallRecord> {
    const found = this.records.find((record) => record.name.model === name);
    if (found === undefined) throw new OmgError('model_not_found', `model "${name}" not found`);
    return found;
  }

  async remove(name: string): Promise<void> {
    const record = await this.resolve(name);
    this.records = this.records.filter((other) => other !== record);
  }

  async copy(source: string, destination: string | ModelName, own: OwnTraits = {}): Promise<InstallRecord> {
    const record = await this.resolve(source.replace(/:latest$/, ''));
    const name = typeof destination === 'string' ? { ...record.name, model: destination } : destination;
    const copy = { ...record, ...own, name, ...(own.profile === undefined ? {} : { digest: `${record.digest}+` }) };
    this.records.push(copy);
    return copy;
  }

  async createQuantized(): Promise<InstallRecord> {
    throw new OmgError('invalid_request', 'this store has no blobs');
  }

  async createFromBlobs(): Promise<InstallRecord> {
    throw new OmgError('invalid_request', 'this store has no blobs');
  }
}

export function testRecord(model: string): InstallRecord {
  return {
    name: { host: 'hf.co', namespace: 'library', model, tag: 'latest' },
    source: { scheme: 'local', reference: model, revision: { branch: 'main' } },
    artifacts: [],
    components: [{ role: 'model', path: `${model}.gguf`, format: 'gguf' }],
    localPath: `models/${model}`,
    installedAt: '2026-01-01T00:00:00.000Z',
    digest: Buffer.from(model.padEnd(32, '.')).toString('hex'),
    sizeBytes: 1_100_000,
  };
}

export function promptOf(text: string, rest: Partial<GenerateRequest> = {}): GenerateRequest {
  return { prompt: [{ kind: 'text', text, parseSpecial: false }], sampling: {}, stop: [], ...rest };
}

export async function textOf(events: AsyncIterable<GenerateEvent | ChatEvent>): Promise<string> {
  let text = '';
  for await (const event of events) if (event.type === 'text' || event.type === 'content') text += event.text;
  return text;
}

/** The error a promise rejects with; fails the test when it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<OmgError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof OmgError) return error;
    throw error;
  }
  throw new Error('expected an error');
}
