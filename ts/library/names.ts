import { OmgError } from '../errors/index.ts';
import type { ModelName } from './types.ts';

export const DEFAULT_HOST = 'hf.co';
export const LOCAL_HOST = 'local';
export const DEFAULT_NAMESPACE = 'library';
export const DEFAULT_TAG = 'latest';

/** Hosts that mean Hugging Face, and schemes that say no more than the host does. */
const HUB_HOSTS = new Set(['hf.co', 'huggingface.co', 'www.huggingface.co']);
const HUB_SCHEMES = /^(?:https?|hf|huggingface):\/\//i;

const PART = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const NAMESPACE = /^[A-Za-z0-9_][A-Za-z0-9_-]*$/;
const HOST = /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/;
const PART_LIMIT = 80;
const HOST_LIMIT = 350;

/** A name as it was written: which parts were there, and the revision behind `@`, which is not part of a stored name. */
export interface ParsedName {
  name: ModelName;
  hasNamespace: boolean;
  hasTag: boolean;
  revision?: string;
}

/** Parses `[scheme://][host/][namespace/]model[:tag][@revision]`. Throws `invalid_model_name`. */
export function parseModelName(input: string): ParsedName {
  const trimmed = input.trim().replace(HUB_SCHEMES, '');
  const at = trimmed.indexOf('@');
  const revision = at < 0 ? undefined : trimmed.slice(at + 1);
  // `:local` picks the source in Ollama, where we have one source only.
  const written = (at < 0 ? trimmed : trimmed.slice(0, at)).replace(/:local$/i, '');
  const colon = written.lastIndexOf(':');
  const hasTag = colon > written.lastIndexOf('/');
  const segments = (hasTag ? written.slice(0, colon) : written).split('/');
  const tag = hasTag ? written.slice(colon + 1) : DEFAULT_TAG;
  if (segments.length > 3) throw invalid(input, 'it has more than three parts');

  const model = segments.pop() ?? '';
  let host: string | undefined;
  let namespace: string | undefined;
  if (segments.length === 2) [host, namespace] = segments;
  else if (isHost(segments[0])) host = segments[0];
  else namespace = segments[0];

  check(input, 'model', model, PART, PART_LIMIT);
  check(input, 'tag', tag, PART, PART_LIMIT);
  if (host !== undefined) check(input, 'host', host, HOST, HOST_LIMIT);
  if (namespace !== undefined) check(input, 'namespace', namespace, NAMESPACE, PART_LIMIT);
  if (revision !== undefined && !isRevision(revision)) throw invalid(input, 'the revision behind @ is not valid');

  return {
    name: {
      host: host === undefined || HUB_HOSTS.has(host.toLowerCase()) ? DEFAULT_HOST : host,
      namespace: namespace ?? DEFAULT_NAMESPACE,
      model,
      tag,
    },
    hasNamespace: namespace !== undefined,
    hasTag,
    ...(revision === undefined ? {} : { revision }),
  };
}

/** The shortest form that parses back to the name, always with a tag: `bartowski/X-GGUF:Q4_K_M`, `demo:latest`. */
export function displayName(name: ModelName): string {
  return `${openAiBase(name)}:${name.tag}`;
}

/** The id on `/v1/models`: the display form without `:latest`. */
export function openAiId(name: ModelName): string {
  return name.tag.toLowerCase() === DEFAULT_TAG ? openAiBase(name) : displayName(name);
}

/** Equal for two names of one model: names differ neither by case nor by the defaults left out. */
export function nameKey(name: ModelName): string {
  return displayName(name).toLowerCase();
}

/** A valid part (model or tag) near to what was given, for names made from files and revisions. */
export function toNamePart(text: string, fallback: string): string {
  const cleaned = text
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, PART_LIMIT);
  return cleaned === '' ? fallback : cleaned;
}

function openAiBase(name: ModelName): string {
  const host = name.host === DEFAULT_HOST || name.host === LOCAL_HOST ? '' : `${name.host}/`;
  const namespace = host === '' && name.namespace === DEFAULT_NAMESPACE ? '' : `${name.namespace}/`;
  return `${host}${namespace}${name.model}`;
}

/** Of two parts the first is a host when it cannot be a namespace. */
function isHost(segment: string | undefined): boolean {
  return segment !== undefined && /[.:]/.test(segment);
}

function isRevision(revision: string): boolean {
  return (
    /^[A-Za-z0-9_][A-Za-z0-9_./-]{0,254}$/.test(revision) && !revision.split('/').some((part) => /^\.*$/.test(part))
  );
}

function check(input: string, part: string, value: string, pattern: RegExp, limit: number): void {
  if (value === '') throw invalid(input, `its ${part} is empty`);
  if (value.length > limit) throw invalid(input, `its ${part} is longer than ${limit} characters`);
  if (!pattern.test(value)) throw invalid(input, `its ${part} has a character that is not allowed`);
}

function invalid(input: string, why: string): OmgError {
  const shown = input.length > 120 ? `${input.slice(0, 120)}…` : input;
  return new OmgError('invalid_model_name', `${JSON.stringify(shown)} is not a model name: ${why}.`, {
    hint: 'Names look like demo, qwen3:4b or owner/repo:Q4_K_M.',
  });
}
