import type { Artifact } from './types.ts';

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

/** GGUF files that are not a language model by themselves: projectors, importance matrices, adapters, vocabularies. */
export function isGgufCompanion(filename: string): boolean {
  const base = filename.slice(filename.lastIndexOf('/') + 1);
  return /(?:^|[-_.])(?:mmproj|imatrix|ggml-vocab)|^(?:lora|adapter)[-_.]/i.test(base);
}

/** Models of a list of GGUF files: each a single file, or the shards of a set in order. Sets with missing shards are left out. */
export function groupGguf<T extends NamedFile>(files: readonly T[]): { stem: string; files: T[] }[] {
  const groups = new Map<string, { stem: string; count: number; files: T[] }>();
  for (const file of files) {
    if (!isGguf(file.filename) || isGgufCompanion(file.filename)) continue;
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

/** The files that make up a safetensors model; empty when the list holds none (or only an adapter). */
export function selectSafetensors<T extends NamedFile>(files: readonly T[]): T[] {
  if (!files.some(({ filename }) => filename === 'config.json')) return [];
  const top = files.filter(({ filename }) => /^[^/]+\.safetensors$/i.test(filename));
  const single = top.filter(({ filename }) => filename === 'model.safetensors');
  const sharded = top.filter(({ filename }) => parseShard(filename)?.stem === 'model');
  const whole = sharded.length > 0 && sharded.length === parseShard(sharded[0]?.filename ?? '')?.count;
  const weights = whole ? sharded : single;
  if (weights.length === 0) return [];
  return [...files.filter(({ filename }) => SAFETENSORS_COMPANIONS.has(filename)), ...weights];
}

export function formatOf(filename: string): Artifact['format'] {
  if (isGguf(filename)) return 'gguf';
  if (/\.safetensors$/i.test(filename)) return 'safetensors';
  if (/\.json$/i.test(filename)) return 'json';
  return /\.(?:txt|md|jinja)$|(?:^|\/)LICENSE$/i.test(filename) ? 'text' : 'other';
}
