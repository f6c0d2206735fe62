import { type Addon, addonCandidates, addonUnavailable, loadAddon } from '../engine/index.ts';
import { isGoTemplate } from './go-template.ts';

/**
 * Characters. The longest window of today's models, a million tokens, holds about half of it; and the daemon, which takes the text in one
 * message, reads a message of this length in some 20 ms.
 */
const LONGEST_RENDER = 8 * 2 ** 20;

export interface RenderJob {
  /** Jinja, or a Go template. */
  template: string;
  /** JSON text of an object. */
  variables: string;
}

export type RenderOutcome = { text: string } | { refused: string };

let addon: Addon | undefined;

/** Loads what renders, where that has not happened yet. Throws `addon_unavailable`. */
export function loadRenderer(): Addon {
  if (addon !== undefined) return addon;
  const candidates = addonCandidates();
  let reason: string | undefined;
  for (const { path, problem } of candidates) {
    if (problem !== undefined) continue;
    try {
      addon = loadAddon(path);
      return addon;
    } catch (error) {
      reason = (error as Error).message;
    }
  }
  throw addonUnavailable(candidates, reason);
}

/** What the template writes, as Jinja2 or Ollama would, or why it refuses. Runs in the sandbox only. */
export function renderTemplate({ template, variables }: RenderJob): RenderOutcome {
  const renderer = loadRenderer();
  const [json, now] = [wellFormed(variables), localTime(new Date())];
  const outcome = isGoTemplate(template)
    ? renderer.renderGoTemplate(template, json, now)
    : renderer.renderTemplate(template, json, now);
  if ('error' in outcome) return { refused: outcome.error.message };
  const { ok: rendered } = outcome;
  if ('refused' in rendered) return { refused: rendered.refused };
  const { text } = rendered;
  return text.length > LONGEST_RENDER ? { refused: `it writes more than ${LONGEST_RENDER} characters` } : { text };
}

/** The names that a Go template uses, in lower case; none where it is Jinja, or no template. */
export function goNames(template: string): string[] {
  if (!isGoTemplate(template)) return [];
  const outcome = loadRenderer().goTemplateNames(template);
  return 'ok' in outcome && 'names' in outcome.ok ? outcome.ok.names : [];
}

/** Half a surrogate pair is no character, and no JSON to others than JavaScript. */
function wellFormed(json: string): string {
  return json.replace(/\\(?:\\|ud[89a-f][0-9a-f]{2})/g, (found) => (found === '\\\\' ? found : '\\ufffd'));
}

function localTime(now: Date) {
  return {
    year: now.getFullYear(),
    month: now.getMonth() + 1,
    day: now.getDate(),
    hour: now.getHours(),
    minute: now.getMinutes(),
    second: now.getSeconds(),
  };
}
