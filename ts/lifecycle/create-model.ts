import type { ChatTemplates } from '../chat/index.ts';
import { OmgError } from '../errors/index.ts';
import type { ChatRequest, ModelInspector } from '../inference/index.ts';
import {
  type BlobsInput,
  DEFAULT_HOST,
  displayName,
  type InstallRecord,
  LOCAL_HOST,
  type ModelProfile,
  modelPath,
  parseModelName,
} from '../library/index.ts';
import { headerWithProfile } from './created-model.ts';
import { judgeModel } from './judge-model.ts';
import type { OpenedModel } from './model-directory.ts';
import type { ModelStore } from './ports.ts';
import type { CreateEvent, CreateSpec, PullJob } from './types.ts';

export interface CreateDeps {
  store: ModelStore;
  engine: ModelInspector;
  templates: ChatTemplates;
  open: (name: string) => Promise<OpenedModel>;
  pull: (model: string) => PullJob;
  onInstalled: (record: InstallRecord) => void;
}

/** Makes a model of another one or of uploaded files, with what the request says of its own. Replaces one of the same name. */
export async function* createModel(
  spec: CreateSpec,
  signal: AbortSignal | undefined,
  deps: CreateDeps,
): AsyncGenerator<CreateEvent> {
  const { store, engine } = deps;
  const { name } = parseModelName(spec.name);
  const target = name.host === DEFAULT_HOST ? { ...name, host: LOCAL_HOST } : name;
  const base = spec.from === undefined ? undefined : yield* openBase(spec.from, signal, deps);
  const profile = base === undefined ? spec.profile : profileOver(base, spec.profile);
  await checkTemplate(profile, base, signal, deps);
  const own = traits(
    profile,
    spec.contextLength ?? (spec.quantize === undefined ? undefined : base?.record.contextLength),
  );
  const files = spec.files ?? {};
  if (base === undefined) yield { type: 'reading', files: Object.keys(files) };
  let record: InstallRecord;
  if (spec.quantize !== undefined) {
    record = yield* quantized({ ...spec, quantize: spec.quantize }, base, { name: target, ...own }, signal, deps);
  } else {
    const hashes = base?.record.artifacts.map(({ sha256 }) => sha256) ?? Object.values(files);
    for (const sha256 of new Set(hashes)) yield { type: 'layer', sha256 };
    signal?.throwIfAborted();
    yield { type: 'writing' };
    record =
      base === undefined
        ? await store.createFromBlobs({ name: target, files, ...own }, (path) =>
            judgeModel(engine, path, { name: displayName(target) }),
          )
        : await store.copy(displayName(base.record.name), target, own);
  }
  deps.onInstalled(record);
  yield { type: 'success' };
}

/** Makes the weights anew in a process of the engine, telling how far it is. */
async function* quantized(
  { files = {}, quantize }: CreateSpec & { quantize: string },
  base: OpenedModel | undefined,
  own: Omit<BlobsInput, 'files'>,
  signal: AbortSignal | undefined,
  { store, engine }: CreateDeps,
): AsyncGenerator<CreateEvent, InstallRecord> {
  const to = quantize.toUpperCase();
  const events: CreateEvent[] = [];
  let wake = (): void => {};
  const tell = (event: CreateEvent): void => {
    events.push(event);
    wake();
  };
  const make = async (path: string, out: string): Promise<void> => {
    const { quantization: from, sizeBytes: sourceBytes } = await engine.inspect(path);
    const report = (fraction: number): void => tell({ type: 'quantizing', from, to, fraction, sourceBytes });
    report(0);
    await engine.quantize(path, quantize, out, { signal, onProgress: report });
    tell({ type: 'verifying' });
    await engine.inspect(out);
    tell({ type: 'writing' });
  };
  const source = base === undefined ? { files } : { path: modelPath(base.record) };
  let done = false;
  const making = store
    .createQuantized({ ...own, source, filename: `${own.name.model}-${to}.gguf` }, make)
    .finally(() => {
      done = true;
      wake();
    });
  making.catch(() => {});
  while (!done || events.length > 0) {
    const event = events.shift();
    if (event !== undefined) yield event;
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (done || events.length > 0) resolve();
      });
  }
  return await making;
}

/** The model that the new one is made of; one that is not here is pulled. */
async function* openBase(
  from: string,
  signal: AbortSignal | undefined,
  { open, pull }: CreateDeps,
): AsyncGenerator<CreateEvent, OpenedModel> {
  try {
    return await open(from);
  } catch (error) {
    if (!(error instanceof OmgError) || error.code !== 'model_not_found') throw error;
  }
  for await (const progress of pull(from).watch(signal)) yield { type: 'pull', progress };
  return await open(from);
}

function profileOver(base: OpenedModel, own: ModelProfile): ModelProfile {
  const below = base.record.profile ?? {};
  const parameters = { ...below.parameters, ...own.parameters };
  return {
    ...below,
    ...own,
    parent: base.name,
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
  };
}

function traits(
  profile: ModelProfile,
  contextLength: number | undefined,
): { profile?: ModelProfile; contextLength?: number } {
  return {
    ...(Object.keys(profile).length === 0 ? {} : { profile }),
    ...(contextLength === undefined ? {} : { contextLength }),
  };
}

/** A template that cannot even render a greeting is refused now, not at the first chat. */
async function checkTemplate(
  profile: ModelProfile,
  base: OpenedModel | undefined,
  signal: AbortSignal | undefined,
  { templates }: CreateDeps,
): Promise<void> {
  if (profile.template === undefined) return;
  const header = headerWithProfile(base?.header ?? { metadata: {}, specialTokens: {} }, { profile });
  const greeting: ChatRequest = {
    messages: [{ role: 'user', content: 'Hi' }],
    sampling: {},
    stop: [],
    onOverflow: 'error',
  };
  await templates.render(header, greeting, signal);
}
