import type { LoadedModel, ModelInspector, WorkEvent, WorkKind, WorkRequest } from '../inference/index.ts';
import { mergeMaxTokens, mergeSampling, mergeStop } from './model-parameters.ts';
import { slideWindow } from './slide-window.ts';
import type { Capability, InstalledModel, ModelDetails, UseOptions } from './types.ts';

/** What the life cycle has to know of a kind of work. */
export interface WorkTraits<Kind extends WorkKind> {
  /** What its models are made for. */
  capability: Capability;
  /** Its name on the metrics, and Docker's. */
  mode: string;
  /** What its models are called in lists. */
  modelKind: string;
  /** What the model's own files add to a request, and what is checked before the model is loaded. */
  prepare?: (
    request: WorkRequest<Kind>,
    context: { model: InstalledModel; engine: ModelInspector; signal: AbortSignal | undefined },
  ) => Promise<WorkRequest<Kind>>;
  /** Absent: the model's `run` alone. */
  run?: (
    model: LoadedModel,
    request: WorkRequest<Kind>,
    options: UseOptions,
    signal: AbortSignal,
  ) => AsyncIterable<WorkEvent<Kind>>;
}

export const WORK_KINDS: { readonly [Kind in WorkKind]: WorkTraits<Kind> } = {
  generate: {
    capability: 'completion',
    mode: 'completion',
    modelKind: 'chat',
    prepare: async (request, { model, engine, signal }) => {
      const { parameters } = model.details;
      const maxTokens = mergeMaxTokens(request.maxTokens, parameters);
      if (request.grammar !== undefined) await engine.checkGrammar(request.grammar, signal);
      return {
        ...request,
        sampling: mergeSampling(request.sampling, parameters),
        stop: mergeStop(request.stop, parameters),
        ...(maxTokens === undefined ? {} : { maxTokens }),
      };
    },
    run: (model, request, { contextShiftKeep }, signal) =>
      // A grammar holds from the first token to the last, which a slide would cut in two.
      contextShiftKeep === undefined || request.grammar !== undefined
        ? model.run('generate', request, signal)
        : slideWindow(model, request, contextShiftKeep, signal),
  },
  score: { capability: 'rerank', mode: 'reranking', modelKind: 'rerank' },
  embed: { capability: 'embedding', mode: 'embedding', modelKind: 'embedding' },
};

/** Runs prepared work on a loaded model. */
export function runWork<Kind extends WorkKind>(
  kind: Kind,
  model: LoadedModel,
  request: WorkRequest<Kind>,
  options: UseOptions,
  signal: AbortSignal,
): AsyncIterable<WorkEvent<Kind>> {
  const { run } = WORK_KINDS[kind];
  return run === undefined ? model.run(kind, request, signal) : run(model, request, options, signal);
}

/** The kind of work a model is mainly for. */
export function mainWork({ capabilities }: Pick<ModelDetails, 'capabilities'>): WorkKind {
  const kinds = Object.keys(WORK_KINDS) as WorkKind[];
  return kinds.find((kind) => capabilities.includes(WORK_KINDS[kind].capability)) ?? 'embed';
}
