import { OmgError } from '../../errors/index.ts';
import type {
  ChatEvent,
  ChatRequest,
  Embeddings,
  EmbedRequest,
  GenerateEvent,
  GenerateRequest,
  PromptSegment,
  ScoreRequest,
  Scores,
  WorkEvent,
  WorkKind,
  WorkRequest,
} from '../../inference/index.ts';
import type {
  CreateEvent,
  CreateSpec,
  InstalledModel,
  LifecycleEvent,
  Models,
  PullJob,
  PullSpec,
  RunningModel,
  UseOptions,
} from '../../lifecycle/index.ts';

export const USAGE = { promptTokens: 7, cachedTokens: 2, completionTokens: 3, reasoningTokens: 0 };
export const TIMINGS = { queueMs: 1, prefillMs: 2, decodeMs: 3 };
export const END: ChatEvent = { type: 'end', reason: 'stop', usage: USAGE, timings: TIMINGS };

export function installed(
  name: string,
  capabilities: InstalledModel['details']['capabilities'] = ['completion', 'tools', 'thinking'],
): InstalledModel {
  const [namespace = '', rest = ''] = name.includes('/') ? name.split('/') : ['', name];
  const [model = '', tag = 'latest'] = rest.split(':');
  return {
    name: `${namespace === '' ? '' : `${namespace}/`}${model}:${tag}`,
    record: {
      name: { host: 'hf.co', namespace, model, tag },
      source: { scheme: 'huggingface', reference: `${namespace}/${model}`, revision: { branch: 'main' } },
      artifacts: [],
      components: [{ role: 'model', path: 'm.gguf', format: 'gguf' }],
      localPath: '/models/x',
      installedAt: '2026-01-02T03:04:05.678Z',
      digest: 'ab'.repeat(32),
      sizeBytes: 1234,
    },
    details: {
      format: 'gguf',
      family: 'llama',
      parameterSize: '8.0B',
      parameterCount: 8e9,
      quantization: 'Q4_K_M',
      trainedContextLength: 8192,
      embeddingLength: 64,
      capabilities,
      parameters: {},
      metadata: { 'general.architecture': 'llama', 'tokenizer.ggml.tokens': [1, 2, 3, 4, 5, 6, 7] },
      tensors: async () => [{ name: 'output.weight', type: 'F16', shape: [2, 2] }],
    },
  };
}

/** `Models` that plays what a test gives it and keeps what it was asked. */
export class FakeModels implements Models {
  models: InstalledModel[] = [installed('demo')];
  loaded: RunningModel[] = [];
  script: (request: ChatRequest, signal?: AbortSignal) => AsyncIterable<ChatEvent> = () =>
    play([{ type: 'start', promptTokens: 7, cachedTokens: 2 }, END]);
  rawScript: (request: GenerateRequest, signal?: AbortSignal) => AsyncIterable<GenerateEvent> = () => play([]);
  calls: { method: string; name: string; request?: unknown; use?: UseOptions }[] = [];

  async resolve(name: string): Promise<InstalledModel> {
    const found = this.models.find((model) => [model.name, model.name.replace(/:latest$/, '')].includes(name));
    if (!found) throw new OmgError('model_not_found', `No model is named ${name}.`);
    return found;
  }
  async list(): Promise<InstalledModel[]> {
    return this.models;
  }
  running(): RunningModel[] {
    return this.loaded;
  }
  async load(name: string, use?: UseOptions): Promise<RunningModel> {
    this.calls.push({ method: 'load', name, use });
    const model = await this.resolve(name);
    return { ...model, state: 'running', activeRequests: 0, queuedRequests: 0 };
  }
  async unload(name: string, request?: { abortAfterMs?: number }): Promise<boolean> {
    this.calls.push({ method: 'unload', name, ...(request === undefined ? {} : { request }) });
    return false;
  }
  run<Kind extends WorkKind>(
    kind: Kind,
    name: string,
    request: WorkRequest<Kind>,
    use?: UseOptions,
  ): AsyncIterable<WorkEvent<Kind>> {
    this.calls.push({ method: kind, name, request, use });
    use?.onReady?.(1);
    return this.#work[kind]?.(request, use) ?? play([]);
  }
  readonly #work: {
    [Kind in WorkKind]?: (request: WorkRequest<Kind>, use?: UseOptions) => AsyncIterable<WorkEvent<Kind>>;
  } = {
    generate: (request, use) => this.rawScript(request, use?.signal),
    embed: (request) => play([vectors(request)]),
    score: (request) => play([scores(request)]),
  };
  chat(name: string, request: ChatRequest, use?: UseOptions): AsyncIterable<ChatEvent> {
    this.calls.push({ method: 'chat', name, request, use });
    return this.script(request, use?.signal);
  }
  async renderChat(_name: string, request: ChatRequest): Promise<PromptSegment[]> {
    return request.messages.flatMap(({ role, content }): PromptSegment[] => [
      { kind: 'text', text: `<${role}>`, parseSpecial: true },
      { kind: 'text', text: content, parseSpecial: false },
    ]);
  }
  renderFitted(name: string, request: ChatRequest): Promise<PromptSegment[]> {
    return this.renderChat(name, request);
  }
  async tokenize(_name: string, prompt: PromptSegment[]): Promise<number[]> {
    return prompt.flatMap((segment) =>
      segment.kind === 'tokens' ? segment.tokens : [...segment.text].map((letter) => letter.codePointAt(0) ?? 0),
    );
  }
  async detokenize(_name: string, tokens: number[]): Promise<string> {
    return String.fromCodePoint(...tokens);
  }
  async remove(name: string): Promise<void> {
    const model = await this.resolve(name);
    this.models = this.models.filter((other) => other !== model);
  }
  async copy(source: string, destination: string): Promise<void> {
    const model = await this.resolve(source);
    this.models.push({ ...model, name: installed(destination).name });
  }
  create(spec: CreateSpec): AsyncIterable<CreateEvent> {
    this.calls.push({ method: 'create', name: spec.name, request: spec });
    return play<CreateEvent>([{ type: 'writing' }, { type: 'success' }]);
  }
  pull(spec: PullSpec): PullJob {
    throw new OmgError('repo_not_found', `The hub has no ${spec.model}.`);
  }
  findPull(): PullJob | undefined {
    return undefined;
  }
  pulls(): PullJob[] {
    return [];
  }
  events(): AsyncIterableIterator<LifecycleEvent> {
    return play<LifecycleEvent>([]);
  }
  async close(): Promise<void> {}
}

function vectors({ texts, dimensions = 4 }: EmbedRequest): Embeddings {
  const values = new Float32Array(dimensions * texts.length).fill(0.5);
  return { type: 'end', dimensions, vectors: values, texts: texts.map(() => ({ promptTokens: 3, truncated: false })) };
}

function scores({ documents }: ScoreRequest): Scores {
  const lengths = documents.map((document) => document.length);
  return { type: 'end', scores: lengths, texts: lengths.map(() => ({ promptTokens: 3, truncated: false })) };
}

export async function* play<Event>(events: (NoInfer<Event> | Error)[]): AsyncGenerator<Event, void> {
  for (const event of events) {
    await new Promise((resolve) => setImmediate(resolve));
    if (event instanceof Error) throw event;
    yield event as Awaited<Event>;
  }
}
