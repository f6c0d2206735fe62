import type { ErrorData } from '../../errors/index.ts';
import type {
  DeviceInfo,
  Grammar,
  LoadedModelInfo,
  LoadSpec,
  MemoryPlan,
  ModelHeader,
  PromptSegment,
  WorkEvent,
} from '../../inference/index.ts';

/** How the addon answers: errors cross as data, because napi loses their codes. */
export type Outcome<T> = { ok: T } | { error: ErrorData };

type Answer<T> = Outcome<T> | Promise<Outcome<T>>;

/** What the clock on the wall shows; `month` counts from 1. */
export interface LocalTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

/** The text of a chat template, or why there is none: `raised` is what the template itself says, word for word. */
export type TemplateRender =
  | { text: string }
  | { refused: string; kind: 'raised' | 'failed' | 'too_much_work' | 'variables' };

/** The names of the fields and variables of a Go template, in lower case, or why it is none. */
export type TemplateNames = { names: string[] } | Extract<TemplateRender, { refused: string }>;

/** The native surface, as `crates/omg-node` exports it. */
export interface Addon {
  version(): string;
  devices(): Answer<DeviceInfo[]>;
  inspect(path: string): Answer<ModelHeader>;
  plan(spec: LoadSpec): Answer<MemoryPlan>;
  /** Compiles a grammar without a model. May take any time and memory. */
  checkGrammar(grammar: Grammar): Answer<null>;
  quantize(path: string, target: string, out: string, onProgress: (fraction: number) => void): Answer<null>;
  load(spec: LoadSpec, onProgress: (fraction: number) => void): Answer<AddonModel>;
  /** Renders on the calling thread. */
  renderTemplate(template: string, variables: string, now: LocalTime): Outcome<TemplateRender>;
  /** The same for a Go template over a conversation in the shapes of Ollama's API. */
  renderGoTemplate(template: string, conversation: string, now: LocalTime): Outcome<TemplateRender>;
  goTemplateNames(template: string): Outcome<TemplateNames>;
  /** Asks the system to end this process when its parent ends; absent where the system cannot. */
  dieWithParent?(): void;
}

export interface AddonModel {
  readonly info: LoadedModelInfo;
  tokenize(prompt: PromptSegment[]): Answer<number[]>;
  detokenize(tokens: number[]): Answer<string>;
  /**
   * Starts the work of a request, which is JSON text: `{ kind, request }`. What is wrong with it is the first thing that `next` answers.
   */
  start(request: string, attachments: Uint8Array[]): AddonTask;
  /** Waits for the work in flight. Idempotent. */
  unload(): Answer<unknown>;
}

export interface AddonTask {
  /** The next events as soon as there are any; null after the last. One call at a time. */
  next(): Answer<WorkEvent[] | null>;
  /** Ends the work after the current step. Idempotent. */
  cancel(): void;
}
