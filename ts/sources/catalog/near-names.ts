import { CATALOG } from './catalog-data.ts';

const MOST = 3;
/** Of letters in common, from 0 to 1. */
const LEAST_LIKENESS = 0.5;

/** Names of the catalog that somebody may have meant: those with the tags of a known model, else those that look alike. */
export function nearNames(name: { model: string; tag: string }): string[] {
  const model = name.model.toLowerCase();
  const tags = Object.hasOwn(CATALOG, model) ? CATALOG[model] : undefined;
  if (tags !== undefined) {
    const known = Object.keys(tags).filter((tag) => tag !== 'latest');
    return known.map((tag) => `${model}:${tag}`);
  }
  const ranked = Object.keys(CATALOG)
    .map((known) => ({ known, likeness: likeness(model, known) }))
    .filter((candidate) => candidate.likeness >= LEAST_LIKENESS)
    .sort((a, b) => b.likeness - a.likeness);
  return ranked.slice(0, MOST).map(({ known }) => known);
}

/** Pairs of neighbouring characters in common (Sørensen–Dice), where a name that goes on from the other counts as near. */
function likeness(a: string, b: string): number {
  const [pairsOfA, pairsOfB] = [pairs(a), pairs(b)];
  const common = pairsOfA.filter((pair) => pairsOfB.includes(pair)).length;
  const dice = (2 * common) / Math.max(1, pairsOfA.length + pairsOfB.length);
  const goesOn = a.length > 2 && (b.startsWith(a) || a.startsWith(b));
  return goesOn ? Math.max(dice, LEAST_LIKENESS) : dice;
}

function pairs(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2));
}
