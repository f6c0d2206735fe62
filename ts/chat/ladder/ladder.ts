import type { TaskEnded } from '../template-process.ts';
import type { TaskResult } from '../template-task.ts';
import type { Draft } from './draft.ts';
import { isUnusual, skeletonOf } from './skeleton.ts';
import { applySteps, STEPS, type Step } from './steps.ts';

export interface Climb {
  draft: Draft;
  /** Taken in any case: what is known of the template asks for them. */
  first: readonly Step[];
  /** Writes the prompt. */
  write: (draft: Draft) => Promise<TaskResult | TaskEnded>;
  /** Writes one of no importance. */
  try: (draft: Draft) => Promise<TaskResult | TaskEnded>;
  /** Names the template. */
  key: string;
}

export interface Climbed {
  outcome: TaskResult | TaskEnded;
  draft: Draft;
  /** The steps that changed something, and what is lost nevertheless. */
  taken: string[];
}

/** Said when there is no way to get everything into the prompt that a template does not refuse. */
const LEFT_OUT = 'messages-left-out';

/** Of templates that refuse slowly there are few, and nobody waits longer than this for a way around. */
const LONGEST_CLIMB_MS = 10_000;
const MOST_REMEMBERED = 512;

/** They help some templates and hinder others, so what comes behind them is tried without them, too. */
const OTHER_SPELLINGS: ReadonlySet<Step> = new Set(['content-null', 'arguments-as-text']);

interface Attempt extends Climbed {
  steps: ReadonlySet<Step>;
  /** Things said that the prompt does not hold; infinite where there is none. */
  lost: number;
}

/**
 * Finds the fewest changes to a conversation with which its template takes it. Nothing is changed that is taken as it is: the next step is
 * tried only where the template refused, or left something out. What helped last is tried first, so a conversation that grows stays
 * the same from turn to turn.
 */
export class Ladder {
  readonly #helped = new Map<string, ReadonlySet<Step>>();
  readonly #now: () => number;

  constructor({ now = Date.now }: { now?: () => number } = {}) {
    this.#now = now;
  }

  async climb(climb: Climb): Promise<Climbed> {
    const base = await attempt(climb, new Set(climb.first));
    if (isFinal(base)) return base;
    const end = this.#now() + LONGEST_CLIMB_MS;
    const useful = STEPS.filter((step) => !base.steps.has(step) && changes(climb.draft, base.steps, step));
    const key = `${climb.key} ${base.lost === Infinity ? 'refused' : 'lost'}`;
    const known = this.#helped.get(key);
    if (known !== undefined && allOf(known, base.steps, changedBy(climb.draft, known))) {
      const again = await attempt(climb, known);
      if (again.lost < base.lost || 'ended' in again.outcome) return again;
    }
    const best = await this.#search(climb, base, useful, end);
    if (best.lost < base.lost) this.#remember(key, best.steps);
    return best;
  }

  async #search(climb: Climb, base: Attempt, useful: Step[], end: number): Promise<Attempt> {
    let best = base;
    const consider = async (steps: ReadonlySet<Step>): Promise<Attempt> => {
      const tried = await attempt(climb, steps);
      if (tried.lost < best.lost) best = tried;
      return tried;
    };
    for (const step of useful) {
      const tried = await consider(new Set([...base.steps, step]));
      if (isFinal(tried)) return tried;
      if (this.#now() > end) return best;
    }
    for (const alike of [STEPS.filter((step) => !OTHER_SPELLINGS.has(step)), STEPS]) {
      let before = '';
      for (let count = 2; count <= alike.length && best.lost > 0; count++) {
        const steps = new Set([...base.steps, ...alike.slice(0, count)]);
        const changed = applySteps(climb.draft, steps).changed.join();
        if (changed === before) continue;
        before = changed;
        const tried = await consider(steps);
        if ('ended' in tried.outcome) return tried;
        if (this.#now() > end) return best;
      }
    }
    // Not all that was tried on the way was needed; what changes most goes first.
    for (const step of STEPS.filter((one) => best.steps.has(one)).reverse()) {
      if (base.steps.has(step) || this.#now() > end) continue;
      const fewer = new Set(best.steps);
      fewer.delete(step);
      const tried = await attempt(climb, fewer);
      if (tried.lost <= best.lost) best = tried;
    }
    return best;
  }

  #remember(key: string, steps: ReadonlySet<Step>): void {
    const oldest = this.#helped.keys().next();
    if (this.#helped.size >= MOST_REMEMBERED && !oldest.done) this.#helped.delete(oldest.value);
    this.#helped.set(key, steps);
  }
}

function isFinal({ outcome, lost }: Attempt): boolean {
  return lost === 0 || 'ended' in outcome;
}

function changes(draft: Draft, steps: ReadonlySet<Step>, step: Step): boolean {
  return changedBy(draft, new Set([...steps, step])).has(step);
}

function allOf(steps: ReadonlySet<Step>, but: ReadonlySet<Step>, among: ReadonlySet<Step>): boolean {
  return [...steps].every((step) => but.has(step) || among.has(step));
}

function changedBy(draft: Draft, steps: ReadonlySet<Step>): Set<Step> {
  return new Set(applySteps(draft, steps).changed);
}

async function attempt(climb: Climb, steps: ReadonlySet<Step>): Promise<Attempt> {
  const { draft, changed } = applySteps(climb.draft, steps);
  const outcome = await climb.write(draft);
  const lost = 'text' in outcome ? await countLost(climb, draft) : Infinity;
  const left = lost > 0 && lost < Infinity ? [LEFT_OUT] : [];
  return { outcome, draft, taken: [...changed, ...left], steps, lost };
}

async function countLost(climb: Climb, draft: Draft): Promise<number> {
  if (!isUnusual(climb.draft)) return 0;
  const skeleton = skeletonOf(draft);
  const outcome = await climb.try(skeleton.draft);
  if (!('text' in outcome)) return 0;
  return skeleton.marks.filter((mark) => !outcome.text.includes(mark)).length;
}
