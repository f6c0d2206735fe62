import { Template } from '@huggingface/jinja';

/** More text than any window holds; a template that writes more is broken or hostile. */
const LONGEST_RENDER = 64 * 2 ** 20;
const LONGEST_RANGE = 1_000_000;
const MOST_COMPILED = 16;

export interface RenderJob {
  template: string;
  variables: Record<string, unknown>;
}

export type RenderOutcome = { text: string } | { refused: string };

const compiled = new Map<string, Template>();

/** Compiles (or takes from its cache) and renders. What the template raises comes back as `refused`. Runs in the sandbox only. */
export function renderTemplate({ template, variables }: RenderJob): RenderOutcome {
  try {
    const text = compile(template).render({ ...variables, range: boundedRange, raise_exception: raise });
    return text.length > LONGEST_RENDER ? { refused: 'it writes too much text' } : { text };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}

function compile(template: string): Template {
  const known = compiled.get(template);
  if (known !== undefined) return known;
  const fresh = new Template(template);
  const oldest = compiled.keys().next();
  if (compiled.size >= MOST_COMPILED && !oldest.done) compiled.delete(oldest.value);
  compiled.set(template, fresh);
  return fresh;
}

function raise(message: unknown): never {
  throw new Error(String(message));
}

/** Python's `range`, short enough to hold. */
function boundedRange(first: number, last?: number, step = 1): number[] {
  const start = last === undefined ? 0 : first;
  const stop = last ?? first;
  const length = step === 0 ? Number.NaN : Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= LONGEST_RANGE)) throw new Error('range() is too long or has no step');
  return Array.from({ length }, (_, index) => start + index * step);
}
