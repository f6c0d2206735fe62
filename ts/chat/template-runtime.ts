import { Template } from '@huggingface/jinja';

/** More text than any window holds; a template that writes more is broken or hostile. */
const LONGEST_RENDER = 64 * 2 ** 20;
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
    const text = compile(template).render(variables);
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
