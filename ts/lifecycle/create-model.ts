import type { ChatTemplates } from '../chat/index.ts';
import { OmgError } from '../errors/index.ts';
import type { Engine } from '../inference/index.ts';
import {
  DEFAULT_HOST,
  displayName,
  type InstallRecord,
  LOCAL_HOST,
  type ModelProfile,
  parseModelName,
} from '../library/index.ts';
import { headerWithProfile } from './created-model.ts';
import type { OpenedModel } from './model-directory.ts';
import type { ModelStore } from './ports.ts';
import type { CreateEvent, CreateSpec, PullJob } from './types.ts';

export interface CreateSurroundings {
  store: ModelStore;
  engine: Engine;
  templates: ChatTemplates;
  open: (name: string) => Promise<OpenedModel>;
  pull: (model: string) => PullJob;
  onInstalled: (record: InstallRecord) => void;
}

/** Makes a model of another one or of uploaded files, with what the request says of its own. Replaces one of the same name. */
export async function* createModel(
  spec: CreateSpec,
  signal: AbortSignal | undefined,
  surroundings: CreateSurroundings,
): AsyncGenerator<CreateEvent> {
  const { store, engine } = surroundings;
  const { name } = parseModelName(spec.name);
  const target = name.host === DEFAULT_HOST ? { ...name, host: LOCAL_HOST } : name;
  let record: InstallRecord;
  if (spec.from === undefined) {
    const files = spec.files ?? {};
    await checkTemplate(spec.profile, undefined, surroundings);
    yield { type: 'reading', files: Object.keys(files) };
    for (const sha256 of new Set(Object.values(files))) yield { type: 'layer', sha256 };
    signal?.throwIfAborted();
    const input = { name: target, files, ...traits(spec.profile, spec.contextLength) };
    yield { type: 'writing' };
    record = await store.createFromBlobs(input, (path) => engine.inspect(path));
  } else {
    const base = yield* openBase(spec.from, signal, surroundings);
    const profile = profileOver(base, spec.profile);
    await checkTemplate(profile, base, surroundings);
    for (const { sha256 } of base.record.artifacts) yield { type: 'layer', sha256 };
    signal?.throwIfAborted();
    yield { type: 'writing' };
    record = await store.copy(displayName(base.record.name), target, traits(profile, spec.contextLength));
  }
  surroundings.onInstalled(record);
  yield { type: 'success' };
}

/** The model that the new one is made of; one that is not here is pulled. */
async function* openBase(
  from: string,
  signal: AbortSignal | undefined,
  { open, pull }: CreateSurroundings,
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
  { templates }: CreateSurroundings,
): Promise<void> {
  if (profile.template === undefined) return;
  const header = headerWithProfile(base?.header ?? { metadata: {}, specialTokens: {} }, { profile });
  await templates.render(header, {
    messages: [{ role: 'user', content: 'Hi' }],
    sampling: {},
    stop: [],
    overlong: 'error',
  });
}
