import type { ErrorData } from '../../errors/index.ts';
import type {
  DeviceInfo,
  Embeddings,
  EmbedRequest,
  GenerateEvent,
  GenerateRequest,
  Grammar,
  LoadedModelInfo,
  LoadSpec,
  MemoryPlan,
  ModelHeader,
  PromptSegment,
  ScoreRequest,
  Scores,
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
  generate(request: GenerateRequest): Answer<AddonGeneration>;
  embed(request: EmbedRequest): AddonTask<Embeddings>;
  score(request: ScoreRequest): AddonTask<Scores>;
  /** Waits for the generations under way. Idempotent. */
  unload(): Answer<unknown>;
}

export interface AddonGeneration {
  /** The next events as soon as there are any; null after the `end` event. */
  next(): Answer<GenerateEvent[] | null>;
  cancel(): void;
}

export interface AddonTask<T> {
  /** Starts the work; once. */
  result(): Answer<T>;
  /** Ends the work after the step under way, with the error `cancelled`. */
  cancel(): void;
}
