import { Template } from '@huggingface/jinja';

/**
 * Characters. The longest window of today's models, a million tokens, holds about half of it; and the daemon, which takes the text in one
 * message, reads a message of this length in some 20 ms.
 */
const LONGEST_RENDER = 8 * 2 ** 20;
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
    return text.length > LONGEST_RENDER ? { refused: `it writes more than ${LONGEST_RENDER} characters` } : { text };
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
