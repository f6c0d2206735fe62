import { OmgError } from '../errors/index.ts';
import { DEFAULT_HOST, type Library, type ModelName, parseModelName } from '../library/index.ts';
import { catalogTarget, isShortNamespace } from './catalog/catalog-target.ts';
import { nearNames } from './catalog/near-names.ts';
import type { ModelSource, Wanted } from './model-source.ts';
import type { PullRequest } from './types.ts';

/**
 * Whose a name is: of the source that its scheme or host tells, else what the user's aliases or the catalog have for it, else a repository of
 * Hugging Face. Throws `invalid_model_name`, `repo_not_found` for a bare name that nobody knows.
 */
export async function findSource(
  { model, revision, quant, file }: PullRequest,
  sources: readonly ModelSource[],
  library: Library,
): Promise<{ source: ModelSource; wanted: Wanted }> {
  const text = model.trim();
  const asked = { revision, quant, file };
  const claimed = sources.find((source) => source.claims(text));
  if (claimed !== undefined) return { source: claimed, wanted: { text, ...asked } };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) throw unknownScheme(text);

  const { name, hasNamespace, revision: written } = parseModelName(text);
  const target = await resolveAlias(name, library);
  if (target !== undefined) {
    const wanted = { text: target, alias: name, ...asked, revision: revision ?? written };
    const source = sources.find((other) => other.claims(target));
    if (source !== undefined) return { source, wanted };
    if (!parseModelName(target).hasNamespace) throw notInCatalog(target);
    return { source: repositories(sources), wanted };
  }
  if (name.host !== DEFAULT_HOST) throw unknownScheme(text);
  if (!hasNamespace || isShortNamespace(name)) throw notInCatalog(text);
  return { source: repositories(sources), wanted: { text, ...asked } };
}

/** What the user's aliases, or the catalog, have for a name. */
export async function resolveAlias(name: ModelName, library: Library): Promise<string | undefined> {
  return (await library.aliasTarget(name)) ?? catalogTarget(name);
}

/** The source that `owner/repo` belongs to. */
function repositories(sources: readonly ModelSource[]): ModelSource {
  const found = sources.find(({ scheme }) => scheme === 'huggingface');
  if (found === undefined) throw new OmgError('unsupported', 'There is no source for names like owner/repo.');
  return found;
}

function notInCatalog(text: string): OmgError {
  const { name } = parseModelName(text);
  const near = nearNames(name);
  return new OmgError(
    'repo_not_found',
    `There is no model ${JSON.stringify(text)} among your aliases or in the catalog.`,
    {
      hint:
        near.length > 0
          ? `Did you mean ${near.join(', ')}? Any Hugging Face repository is pulled as owner/repo.`
          : 'Give a Hugging Face repository as owner/repo, or look for one with omg search.',
      detail: { near },
    },
  );
}

function unknownScheme(text: string): OmgError {
  return new OmgError('unsupported', `omg does not know where ${JSON.stringify(text.slice(0, 120))} leads.`, {
    hint: 'It pulls owner/repo of Hugging Face and GGUF files by their address, https://….gguf.',
  });
}
