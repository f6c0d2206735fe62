import type { ErrorData } from '../../errors/index.ts';
import type {
  DeviceInfo,
  LoadedModelInfo,
  LoadSpec,
  MemoryPlan,
  ModelHeader,
  PromptSegment,
  WorkEvent,
} from '../../inference/index.ts';
import type { GrammarLimits, GrammarVerdict } from './grammar-check.ts';

/** What a runner can be asked, and what it answers. */
export interface RunnerCalls {
  version: { ask: Record<never, never>; answer: string };
  devices: { ask: Record<never, never>; answer: DeviceInfo[] };
  inspect: { ask: { path: string }; answer: ModelHeader };
  plan: { ask: { spec: LoadSpec }; answer: MemoryPlan };
  checkGrammar: { ask: { grammar: string; limits: GrammarLimits }; answer: GrammarVerdict };
  quantize: { ask: { path: string; target: string; out: string }; answer: null };
  load: { ask: { spec: LoadSpec }; answer: LoadedModelInfo };
  tokenize: { ask: { prompt: PromptSegment[] }; answer: number[] };
  detokenize: { ask: { tokens: number[] }; answer: string };
  /** The request is JSON text: numbers of a schema that JavaScript would change do not survive a message otherwise. Batches of events, then null. */
  work: { ask: { request: string; attachments: Uint8Array[] }; answer: null };
  unload: { ask: Record<never, never>; answer: null };
}

export type RunnerOp = keyof RunnerCalls;

/** What is answered with one message. */
export type RunnerQuestion = Exclude<RunnerOp, 'work'>;

export type RunnerAsk = { [Op in RunnerOp]: { id: number; op: Op } & RunnerCalls[Op]['ask'] }[RunnerOp];

/** From the daemon to the runner. `cancel` and `more` belong to the work or the question with that id and get no answer. */
export type ToRunner = RunnerAsk | { id: number; op: 'cancel' } | { id: number; op: 'more' };

/** From the runner to the daemon. The last message of an id is `ok` or `error`. */
export type FromRunner =
  | { id: number; ok: unknown }
  | { id: number; error: ErrorData }
  | { id: number; events: WorkEvent[] }
  | { id: number; progress: number };

/** Batches of events that may be in flight before the reader asks for more: enough to hide the hop, few enough to hold a slow reader's engine back. */
export const BATCHES_AHEAD = 4;
