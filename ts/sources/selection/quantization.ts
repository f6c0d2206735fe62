import type { NamedFile } from '../../library/index.ts';

/** A GGUF model of a repository: its file or shards in order, and the label of its quantisation where the name tells one. */
export interface GgufCandidate<T extends NamedFile> {
  stem: string;
  /** Upper case, such as `Q4_K_M`, `UD-Q4_K_XL`, `BF16`. */
  label: string | undefined;
  files: T[];
}

/**
 * Which quantisation is taken when none is asked for: Q4_K_M, then by distance in bits per weight, the better one first and
 * K-quants before the older types. IQ and ternary types are not here: they are taken only when asked for.
 */
const PREFERENCE = [
  'Q4_K_M',
  'Q4_K_S',
  'Q4_K',
  'Q4_K_L',
  'Q4',
  'UD-Q4_K_XL',
  'Q4_1',
  'Q4_0',
  'Q5_K_S',
  'Q5_K_M',
  'Q5_K',
  'Q5_K_L',
  'UD-Q5_K_XL',
  'Q5_0',
  'Q5_1',
  'Q5',
  'Q3_K_L',
  'Q3_K_XL',
  'Q3_K_M',
  'Q3_K',
  'Q6_K',
  'Q6_K_L',
  'UD-Q6_K_XL',
  'Q6',
  'Q3_K_S',
  'UD-Q3_K_XL',
  'Q8_0',
  'UD-Q8_K_XL',
  'Q8',
  'Q2_K_L',
  'Q2_K',
  'UD-Q2_K_XL',
  'BF16',
  'F16',
  'F32',
]; // prettier-ignore

const LABEL =
  /(?:^|[-_./])((?:UD-)?(?:IQ\d_(?:XXS|XS|S|M|NL)(?:_XL)?|Q\d_K_(?:XL|L|M|S)|Q\d_K|Q\d_[01](?:_\d_\d)?|Q\d|TQ\d_0|MXFP4(?:_MOE)?|NVFP4|BF16|F16|F32|FP16|FP32))(?=$|[-_./])/gi;

/** The label in a name without its `.gguf`; the last one counts, since names of models come first. */
export function quantLabel(stem: string): string | undefined {
  const base = stem.slice(stem.lastIndexOf('/') + 1);
  const found = lastMatch(base) ?? lastMatch(stem);
  return found === undefined ? undefined : normalise(found);
}

/** What names a model of a repository and no other, as the tag of a name, which has no slash: its path without `.gguf`. */
export function fileTag(stem: string): string {
  return stem.replaceAll('/', '-');
}

/** The models of a repository that an asked quantisation, `fileTag` or name of a file means; several are ambiguous. */
export function matchQuant<T extends NamedFile>(
  candidates: readonly GgufCandidate<T>[],
  asked: string,
): GgufCandidate<T>[] {
  const wanted = normalise(asked.replace(/\.gguf$/i, ''));
  const baseOf = ({ stem }: GgufCandidate<T>) => stem.slice(stem.lastIndexOf('/') + 1).toUpperCase();
  const byPath = candidates.filter(({ stem }) => fileTag(stem).toUpperCase() === wanted);
  if (byPath.length > 0) return byPath;
  const byLabel = candidates.filter(({ label }) => label === wanted);
  if (byLabel.length > 0) return byLabel;
  const byDynamic = candidates.filter(({ label }) => label === `UD-${wanted}`);
  if (byDynamic.length > 0) return byDynamic;
  return candidates.filter((candidate) => baseOf(candidate) === wanted);
}

/** The models taken when no quantisation is asked for; several are ambiguous, none means all need to be asked for by name. */
export function preferredQuant<T extends NamedFile>(candidates: readonly GgufCandidate<T>[]): GgufCandidate<T>[] {
  for (const wanted of PREFERENCE) {
    const found = candidates.filter(({ label }) => label === wanted);
    if (found.length > 0) return found;
  }
  return candidates.filter(({ label }) => label === undefined);
}

function lastMatch(text: string): string | undefined {
  let found: string | undefined;
  LABEL.lastIndex = 0;
  for (let match = LABEL.exec(text); match !== null; match = LABEL.exec(text)) {
    found = match[1];
    // A separator may belong to two labels.
    LABEL.lastIndex = match.index + match[0].length;
  }
  return found;
}

function normalise(label: string): string {
  return label.toUpperCase().replace(/^FP(16|32)$/, 'F$1');
}
