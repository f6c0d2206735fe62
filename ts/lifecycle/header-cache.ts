import { type ErrorCode, OmgError } from '../errors/index.ts';
import type { ModelHeader, ModelInspector } from '../inference/index.ts';
import type { ModelFiles } from './model-files.ts';
import { withoutFolder } from './without-folder.ts';

/** A header without its tensor list, which is long and rarely asked for. */
export type CachedHeader = Omit<ModelHeader, 'tensors'>;

/** What is wrong with the file itself stays wrong until the file changes; any other failure is tried again. */
const VERDICTS: ReadonlySet<ErrorCode> = new Set([
  'invalid_model_file',
  'unsupported_architecture',
  'unsupported_quantization',
  'unsupported',
] as const);

/** Whether an error says that the files of a model cannot run, and not that something went wrong while it was looked at. */
export function isVerdict(error: unknown): error is OmgError {
  return error instanceof OmgError && VERDICTS.has(error.code);
}

/** Headers by path, read again when the file changes. One reading however many ask at once. */
export class HeaderCache {
  readonly #engine: ModelInspector;
  readonly #files: ModelFiles;
  readonly #headers = new Map<string, { fingerprint: string; header: Promise<CachedHeader> }>();

  constructor(engine: ModelInspector, files: ModelFiles) {
    this.#engine = engine;
    this.#files = files;
  }

  async get(path: string): Promise<CachedHeader> {
    const fingerprint = await this.#files.fingerprint(path);
    const known = this.#headers.get(path);
    if (known?.fingerprint === fingerprint) return known.header;
    const header = withoutFolder(path, this.#engine.inspect(path)).then(({ tensors: _, ...rest }) => rest);
    const entry = { fingerprint, header };
    this.#headers.set(path, entry);
    header.catch((error: unknown) => {
      if (!isVerdict(error) && this.#headers.get(path) === entry) this.#headers.delete(path);
    });
    return header;
  }

  forget(path: string): void {
    this.#headers.delete(path);
  }
}
