import type { ModelName } from '../../library/index.ts';
import { quantLabel } from '../selection/quantization.ts';
import { CATALOG } from './catalog-data.ts';

/** Ollama puts `library/` before its short names, docker model-runner `ai/`. */
export function isShortNamespace({ namespace }: ModelName): boolean {
  return ['library', 'ai'].includes(namespace.toLowerCase());
}

/** `qwen3:4b`, and `qwen3:4b-q8_0` for another quantisation than the usual one. */
export function catalogTarget(name: ModelName): string | undefined {
  if (name.host !== 'hf.co' || !isShortNamespace(name)) return undefined;
  const tags = own(CATALOG, name.model.toLowerCase());
  const tag = name.tag.toLowerCase();
  const direct = tags && own(tags, tag);
  if (tags === undefined || direct !== undefined) return direct;
  const dash = tag.indexOf('-');
  const repo = own(tags, dash < 0 ? 'latest' : tag.slice(0, dash));
  const quant = tag.slice(dash + 1);
  return repo !== undefined && quantLabel(quant) === quant.toUpperCase() ? `${repo}:${quant.toUpperCase()}` : undefined;
}

/** Names come from outside, and `constructor` is one. */
function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
