import { OmgError } from '../errors/index.ts';
import { DEFAULT_HOST, DEFAULT_NAMESPACE, displayName, nameKey, type ParsedName, parseModelName } from './names.ts';
import type { InstallRecord, ModelName } from './types.ts';

/** Prefixes that mean the same. */
const HOSTS = [DEFAULT_HOST, 'docker.io'] as const;
const NAMESPACES = [DEFAULT_NAMESPACE, 'ai'] as const;

const DIGEST = /^(sha256[:-])?([0-9a-f]{12,64})$/i;

export interface ResolveOptions {
  /** Only ids, exact names and the user's aliases: what a command that deletes may go by. */
  exact?: boolean;
}

/**
 * Finds the one installed model that a string means: by id, exact name, alias, another prefix, then last segment.
 * Throws `model_not_found`, `ambiguous_model_name` (detail.candidates), `invalid_model_name`.
 */
export function resolveName(
  input: string,
  records: readonly InstallRecord[],
  alias: (key: string) => string | undefined,
  options: ResolveOptions = {},
): InstallRecord {
  const text = input.trim();
  const byDigest = DIGEST.exec(text);
  if (byDigest !== null) {
    const found = matchDigest(text, byDigest[2]?.toLowerCase() ?? '', records, options);
    if (found !== undefined) return found;
    if (byDigest[1] !== undefined) throw notFound(input);
  }

  const parsed = parseModelName(text);
  const exact = matchExact(parsed, records);
  if (exact !== undefined) return exact;

  const target = alias(nameKey(parsed.name));
  if (target !== undefined) {
    const aliased = parseModelName(target);
    const found = matchExact(aliased, records) ?? (options.exact ? undefined : matchPrefixes(aliased, records));
    if (found !== undefined) return found;
  }
  if (!options.exact) {
    const found = matchPrefixes(parsed, records) ?? matchLastSegment(input, parsed, records);
    if (found !== undefined) return found;
  }
  throw notFound(input, parsed.name);
}

function matchDigest(
  input: string,
  prefix: string,
  records: readonly InstallRecord[],
  options: ResolveOptions,
): InstallRecord | undefined {
  const found = records.filter((record) => record.digest.startsWith(prefix));
  // Copies share a digest and are the same model to everything but a delete.
  const distinct = options.exact ? found.length : new Set(found.map((record) => record.digest)).size;
  if (distinct > 1) throw ambiguous(input, found);
  return found[0];
}

function matchExact(parsed: ParsedName, records: readonly InstallRecord[]): InstallRecord | undefined {
  const key = nameKey(parsed.name);
  return records.find((record) => nameKey(record.name) === key && hasRevision(record, parsed.revision));
}

/**
 * `ai/` is what docker model-runner puts before a bare name, and `docker.io/` what its client puts before a name without a host; the other
 * prefixes are defaults that parsing removes.
 */
function matchPrefixes(parsed: ParsedName, records: readonly InstallRecord[]): InstallRecord | undefined {
  const { name } = parsed;
  for (const host of others(HOSTS, name.host)) {
    for (const namespace of others(NAMESPACES, name.namespace)) {
      const found = matchExact({ ...parsed, name: { ...name, host, namespace } }, records);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** The text and, where it is one of a pair, the other. */
function others(pair: readonly [string, string], text: string): string[] {
  const at = pair.indexOf(text.toLowerCase());
  return at < 0 ? [text] : [text, pair[1 - at] as string];
}

function matchLastSegment(
  input: string,
  parsed: ParsedName,
  records: readonly InstallRecord[],
): InstallRecord | undefined {
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  const found = records.filter(
    (record) =>
      same(record.name.model, parsed.name.model) &&
      (!parsed.hasNamespace ||
        (same(record.name.namespace, parsed.name.namespace) && same(record.name.host, parsed.name.host))) &&
      (!parsed.hasTag || same(record.name.tag, parsed.name.tag)) &&
      hasRevision(record, parsed.revision),
  );
  if (found.length < 2) return found[0];
  const latest = found.filter((record) => same(record.name.tag, 'latest'));
  if (!parsed.hasTag && latest.length === 1) return latest[0];
  throw ambiguous(input, found);
}

function hasRevision(record: InstallRecord, revision: string | undefined): boolean {
  if (revision === undefined || record.source.revision.branch === revision) return true;
  return /^[0-9a-f]{7,40}$/.test(revision) && (record.source.revision.resolvedCommit?.startsWith(revision) ?? false);
}

function ambiguous(input: string, found: InstallRecord[]): OmgError {
  const candidates = found.map((record) => displayName(record.name)).sort();
  return new OmgError(
    'ambiguous_model_name',
    `${JSON.stringify(input)} means ${candidates.length} models: ${candidates.join(', ')}.`,
    { hint: 'Give the full name.', detail: { candidates } },
  );
}

function notFound(input: string, name?: ModelName): OmgError {
  const cloud = name !== undefined && /(?:^|-)cloud$/i.test(name.tag);
  return new OmgError('model_not_found', `model ${JSON.stringify(input)} not found`, {
    hint: cloud
      ? 'Models in the cloud are not available here. Choose one that runs on this machine.'
      : 'See what is installed with omg list, or get it with omg pull.',
  });
}
