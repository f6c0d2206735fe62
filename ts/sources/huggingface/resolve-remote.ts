import { OmgError } from '../../errors/index.ts';
import { assertSafeFilename, componentsOf, type ModelName, parseModelName, toNamePart } from '../../library/index.ts';
import { chooseFiles, ggufCandidates } from '../selection/choose-files.ts';
import type { RemoteModel } from '../types.ts';
import type { HubApi, HubModel } from './hub-api.ts';
import type { PullTarget } from './pull-target.ts';

const DEFAULT_REVISION = 'main';

/** Asks the hub what a target means: which commit, which files, and the name that the model will have. */
export async function resolveRemote(target: PullTarget, api: HubApi, signal?: AbortSignal): Promise<RemoteModel> {
  const { model, revision, wish } = await lookUp(target, api, signal);
  const chosen = chooseFiles(target.repo, model.files, wish, model.facts);
  for (const { filename } of chosen.files) assertSafeFilename(filename);
  const repo = model.id.toLowerCase() === target.repo.toLowerCase() ? model.id : target.repo;
  return {
    name: target.alias ?? nameOf(repo, target, chosen.format, chosen.quant, revision),
    source: { scheme: 'huggingface', reference: repo, revision: { branch: revision, resolvedCommit: model.commit } },
    components: componentsOf(chosen.files),
    ...(chosen.quant === undefined ? {} : { quant: chosen.quant }),
    files: chosen.files,
    totalBytes: chosen.files.reduce((sum, { size }) => sum + size, 0),
    facts: model.facts,
  };
}

/** The tag of a GGUF repository is a quantisation, of another one a revision; which it is shows only when it has been asked. */
async function lookUp(
  target: PullTarget,
  api: HubApi,
  signal?: AbortSignal,
): Promise<{ model: HubModel; revision: string; wish: { quant?: string; file?: string } }> {
  const { repo, tag, quant, file } = target;
  const revision = target.revision ?? DEFAULT_REVISION;
  const wish = { quant, file };
  const model = await api.model(repo, revision, signal);
  if (tag === undefined || quant !== undefined || file !== undefined) return { model, revision, wish };
  const isGguf = ggufCandidates(model.files).length > 0;
  if (isGguf || target.revision !== undefined) return { model, revision, wish: { ...wish, quant: tag } };
  const tagged = await api.model(repo, tag, signal).catch((error: unknown) => {
    if (!(error instanceof OmgError) || error.code !== 'repo_not_found') throw error;
    throw new OmgError('repo_not_found', `${repo} has no GGUF files, and no revision ${JSON.stringify(tag)}.`, {
      hint: `Pull ${repo} without :${tag}, or look for a GGUF conversion with omg search.`,
    });
  });
  return { model: tagged, revision: tag, wish };
}

function nameOf(
  repo: string,
  target: PullTarget,
  format: 'gguf' | 'safetensors',
  quant: string | undefined,
  revision: string,
): ModelName {
  const { name } = parseModelName(repo);
  const asked = target.quant ?? target.tag ?? (target.file === undefined ? undefined : (quant ?? target.file));
  if (format === 'gguf') {
    if (asked === undefined) return name;
    // The hub's own writing of what was asked for, but a name that was asked for stays findable under it.
    return {
      ...name,
      tag: asked.toUpperCase() === quant ? quant : toNamePart(asked.replace(/\.gguf$/i, ''), name.tag),
    };
  }
  return revision === DEFAULT_REVISION ? name : { ...name, tag: toNamePart(revision, name.tag) };
}
