import type { Artifact, ComponentRole } from './types.ts';

/** A file of a repository or folder, by its `/`-separated path there. */
export interface NamedFile {
  filename: string;
  size: number;
}

/** `model-00001-of-00003.gguf`: one file of a set. */
export interface ShardName {
  /** The name before the numbers, with its folder; files of one set share it and `count`. */
  stem: string;
  index: number;
  count: number;
}

const SHARD = /^(.*)-(\d{5})-of-(\d{5})\.(gguf|safetensors)$/i;

/** Vocabularies of models that have no `tokenizer.json`; beside one they would be tens of megabytes that nobody reads. */
const OTHER_VOCABULARY = /^(?:tekken\.json|tiktoken\.model|[^/]+\.tiktoken)$/;

/** Files a safetensors model may need besides its weights, at the top of the repository. */
const SAFETENSORS_COMPANIONS = new Set([
  'config.json',
  'generation_config.json',
  'model.safetensors.index.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'tokenizer.model',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'chat_template.json',
  'preprocessor_config.json',
  'modules.json',
  '1_Pooling/config.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  'LICENSE',
  'LICENSE.txt',
  'LICENSE.md',
]);

export function parseShard(filename: string): ShardName | undefined {
  const match = SHARD.exec(filename);
  if (match === null) return undefined;
  const [, stem = '', index, count] = match;
  return { stem, index: Number(index), count: Number(count) };
}

export function isGguf(filename: string): boolean {
  return /\.gguf$/i.test(filename);
}

/**
 * What a file with weights is by its name. Undefined for one that is no part of a model: a file without weights, an importance matrix, a
 * vocabulary.
 */
export function roleOf(filename: string): ComponentRole | undefined {
  const base = filename.slice(filename.lastIndexOf('/') + 1);
  if (/^adapter_model\.safetensors$/i.test(base)) return 'adapter';
  if (/\.safetensors$/i.test(base)) return 'model';
  if (!isGguf(base) || /(?:^|[-_.])(?:imatrix|ggml-vocab)/i.test(base)) return undefined;
  if (/(?:^|[-_.])mmproj/i.test(base)) return 'projector';
  return /^(?:lora|adapter)[-_.]/i.test(base) ? 'adapter' : 'model';
}

/** Models of a list of GGUF files: each a single file, or the shards of a set in order. Sets with missing shards are left out. */
export function groupGguf<T extends NamedFile>(files: readonly T[]): { stem: string; files: T[] }[] {
  const groups = new Map<string, { stem: string; count: number; files: T[] }>();
  for (const file of files) {
    if (!isGguf(file.filename) || roleOf(file.filename) !== 'model') continue;
    const shard = parseShard(file.filename);
    const stem = shard?.stem ?? file.filename.replace(/\.gguf$/i, '');
    const key = `${stem} ${shard?.count ?? 0}`;
    const group = groups.get(key) ?? { stem, count: shard?.count ?? 1, files: [] };
    group.files.push(file);
    groups.set(key, group);
  }
  const complete = [...groups.values()].filter(({ count, files: found }) => found.length === count);
  for (const group of complete) group.files.sort((a, b) => (a.filename < b.filename ? -1 : 1));
  return complete.map(({ stem, files: found }) => ({ stem, files: found }));
}

/** Which is taken of several projectors of the same model: they are small, and suffer more from quantisation than the model does. */
const PROJECTORS = ['F16', 'BF16', 'F32', 'Q8_0'];

/** The projector that goes with a GGUF model: of its own folder, else of the top. */
export function projectorOf<T extends NamedFile>(model: string, files: readonly T[]): T | undefined {
  const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1);
  const projectors = files.filter(({ filename }) => roleOf(filename) === 'projector');
  for (const folder of [folderOf(model), '']) {
    const here = projectors.filter(({ filename }) => folderOf(filename) === folder);
    const rank = ({ filename }: T) => {
      const at = PROJECTORS.findIndex((label) => new RegExp(`(?:^|[-_.])${label}(?:[-_.]|$)`, 'i').test(filename));
      return at < 0 ? PROJECTORS.length : at;
    };
    const [best] = here.sort((a, b) => rank(a) - rank(b) || (a.filename < b.filename ? -1 : 1));
    if (best !== undefined) return best;
  }
  return undefined;
}

/** The files that make up a safetensors model; empty when the list holds none (or only an adapter). */
export function selectSafetensors<T extends NamedFile>(files: readonly T[]): T[] {
  if (!files.some(({ filename }) => filename === 'config.json')) return [];
  const top = files.filter(({ filename }) => /^[^/]+\.safetensors$/i.test(filename));
  const single = top.filter(({ filename }) => filename === 'model.safetensors');
  const sharded = top.filter(({ filename }) => parseShard(filename)?.stem === 'model');
  const whole = sharded.length > 0 && sharded.length === parseShard(sharded[0]?.filename ?? '')?.count;
  const weights = whole ? sharded : single;
  if (weights.length === 0) return [];
  const hasTokenizer = files.some(({ filename }) => filename === 'tokenizer.json');
  const isCompanion = ({ filename }: NamedFile): boolean =>
    SAFETENSORS_COMPANIONS.has(filename) || (!hasTokenizer && OTHER_VOCABULARY.test(filename));
  return [...files.filter(isCompanion), ...weights];
}

export function formatOf(filename: string): Artifact['format'] {
  if (isGguf(filename)) return 'gguf';
  if (/\.safetensors$/i.test(filename)) return 'safetensors';
  if (/\.json$/i.test(filename)) return 'json';
  return /\.(?:txt|md|jinja)$|(?:^|\/)LICENSE$/i.test(filename) ? 'text' : 'other';
}
