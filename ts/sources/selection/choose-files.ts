import { OmgError, printableLine } from '../../errors/index.ts';
import {
  groupGguf,
  type ModelFacts,
  type NamedFile,
  projectorOf,
  selectSafetensors,
  taskOf,
} from '../../library/index.ts';
import { fileTag, type GgufCandidate, matchQuant, preferredQuant, quantLabel } from './quantization.ts';

export interface ChosenFiles<T extends NamedFile> {
  format: 'gguf' | 'safetensors';
  files: T[];
  /** For GGUF: the label of the quantisation where it has one. */
  quant?: string;
}

const ONLY_TEXT = 'omg runs language models and text encoders. Look for one with omg search.';

export interface FileWish {
  quant?: string;
  file?: string;
}

/** The GGUF models of a repository; the shards of one are one candidate. */
export function ggufCandidates<T extends NamedFile>(files: readonly T[]): GgufCandidate<T>[] {
  return groupGguf(files).map(({ stem, files: found }) => ({ stem, label: quantLabel(stem), files: found }));
}

/**
 * Chooses what to download: the asked file or quantisation, else Q4_K_M or the nearest, else the safetensors set. Throws
 * `no_model_files` (detail.available), and `invalid_request` when several files have the quantisation.
 */
export function chooseFiles<T extends NamedFile>(
  repo: string,
  files: readonly T[],
  wish: FileWish,
  facts: ModelFacts = {},
): ChosenFiles<T> {
  const candidates = ggufCandidates(files);
  if (wish.file !== undefined) return chooseByFile(repo, files, candidates, wish.file);
  if (wish.quant !== undefined && candidates.length > 0) {
    return only(repo, files, candidates, matchQuant(candidates, wish.quant), wish.quant);
  }
  if (candidates.length > 0) return only(repo, files, candidates, preferredQuant(candidates), undefined);
  const safetensors = selectSafetensors(files);
  if (safetensors.length > 0 && wish.quant === undefined) return { format: 'safetensors', files: safetensors };
  throw nothingToRun(repo, files, wish, facts);
}

function chooseByFile<T extends NamedFile>(
  repo: string,
  all: readonly T[],
  candidates: readonly GgufCandidate<T>[],
  file: string,
): ChosenFiles<T> {
  const found = candidates.find(({ files }) => files.some(({ filename }) => filename === file));
  if (found !== undefined) return chosen(found, all);
  throw new OmgError('no_model_files', `${repo} has no GGUF model ${JSON.stringify(file)}.`, {
    hint: listing(candidates),
    detail: { available: labels(candidates) },
  });
}

function only<T extends NamedFile>(
  repo: string,
  all: readonly T[],
  candidates: readonly GgufCandidate<T>[],
  found: readonly GgufCandidate<T>[],
  asked: string | undefined,
): ChosenFiles<T> {
  const [first] = found;
  if (first !== undefined && found.length === 1) return chosen(first, all);
  const detail = { available: labels(candidates) };
  if (first === undefined) {
    const wanted = asked === undefined ? 'quantisation that is taken by itself' : `quantisation ${asked}`;
    throw new OmgError('no_model_files', `${repo} has no ${wanted}.`, { hint: listing(candidates), detail });
  }
  const names = found.map(({ files }) => shown(files[0]?.filename ?? ''));
  throw new OmgError(
    'invalid_request',
    `${repo} has ${found.length} models of the same quantisation: ${names.join(', ')}.`,
    {
      hint: `Name one of them, as in ${repo}:${printableLine(fileTag(first.stem))}.`,
      detail: { ...detail, files: names },
    },
  );
}

function chosen<T extends NamedFile>({ label, files }: GgufCandidate<T>, all: readonly T[]): ChosenFiles<T> {
  const projector = projectorOf(files[0]?.filename ?? '', all);
  return {
    format: 'gguf',
    files: projector === undefined ? files : [...files, projector],
    ...(label === undefined ? {} : { quant: label }),
  };
}

function nothingToRun(repo: string, files: readonly NamedFile[], wish: FileWish, facts: ModelFacts): OmgError {
  const has = (pattern: RegExp) => files.some(({ filename }) => pattern.test(filename));
  // Pipelines of diffusers keep a model per folder, which `model_index.json` lists.
  const task = has(/^model_index\.json$/) ? (taskOf(facts) ?? taskOf({ library: 'diffusers' })) : taskOf(facts);
  const [what, hint] =
    has(/^model_index\.json$/) && task !== undefined
      ? [`is ${task}, in parts that work together`, ONLY_TEXT]
      : wish.quant !== undefined && has(/\.safetensors$/i)
        ? [
            'has no GGUF files, so there is no quantisation to choose',
            'Pull it without a quantisation, or look for a GGUF conversion with omg search.',
          ]
        : has(/^adapter_config\.json$/)
          ? ['holds an adapter, not a model', 'Pull the model that the adapter is merged into.']
          : has(/\.gguf$/i)
            ? [
                'has only parts of a GGUF model',
                'Files of a split model are missing there, or they belong to another model.',
              ]
            : has(/\.(?:bin|pth?|onnx|h5|msgpack)$/i)
              ? [
                  'has its weights in formats that omg does not read',
                  'Look for a GGUF or safetensors version with omg search.',
                ]
              : has(/\.safetensors$/i)
                ? [
                    task === undefined
                      ? 'has safetensors files, but not those of a model: config.json and model.safetensors (all of its shards)'
                      : `is ${task}`,
                    task === undefined ? 'Look for another repository with omg search.' : ONLY_TEXT,
                  ]
                : ['has no GGUF or safetensors files', 'Look for another repository with omg search.'];
  return new OmgError('no_model_files', `${repo} ${what}.`, { hint, detail: { available: [] } });
}

function labels<T extends NamedFile>(candidates: readonly GgufCandidate<T>[]): string[] {
  return [...new Set(candidates.map(({ label, stem }) => label ?? shown(stem)))].sort();
}

function listing<T extends NamedFile>(candidates: readonly GgufCandidate<T>[]): string {
  return `It has: ${labels(candidates).join(', ')}.`;
}

/** Names come from strangers and go into messages. */
function shown(name: string): string {
  return printableLine(name, '?').slice(0, 200);
}
