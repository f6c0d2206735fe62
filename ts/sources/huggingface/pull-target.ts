import { OmgError } from '../../errors/index.ts';
import { type ModelName, parseModelName } from '../../library/index.ts';
import type { Wanted } from '../model-source.ts';

/** What is asked of the hub, with every alias resolved. */
export interface PullTarget {
  /** `owner/repo`. */
  repo: string;
  /** Branch, tag or commit; absent: the default branch. */
  revision?: string;
  /** Behind the repository's name: the quantisation of a GGUF repository, the revision of another. */
  tag?: string;
  quant?: string;
  file?: string;
  /** The name to install under, where an alias was asked for. */
  alias?: ModelName;
}

/** Understands `owner/repo[:quant][@revision]`, `hf.co/…` and URLs of the hub. Throws `invalid_model_name`. */
export function pullTarget({ text, alias, revision, quant, file }: Wanted, endpoint: string): PullTarget {
  const own = { revision, quant, file };
  const named = alias === undefined ? {} : { alias };
  const fromUrl = urlTarget(text, endpoint);
  if (fromUrl !== undefined) return { ...merge(fromUrl, own), ...named };
  const { name, hasTag, hasNamespace, revision: written } = parseModelName(text);
  if (!hasNamespace) {
    throw new OmgError('repo_not_found', `${JSON.stringify(text)} names no repository of Hugging Face.`, {
      hint: 'Its repositories have an owner: owner/repo.',
    });
  }
  return { ...merge(repoTarget(name, hasTag, written), own), ...named };
}

function repoTarget(name: ModelName, hasTag: boolean, revision: string | undefined): PullTarget {
  return {
    repo: `${name.namespace}/${name.model}`,
    ...(hasTag && name.tag.toLowerCase() !== 'latest' ? { tag: name.tag } : {}),
    ...(revision === undefined ? {} : { revision }),
  };
}

/** `https://huggingface.co/owner/repo[/(tree|blob|resolve)/revision[/file]]`, also below another endpoint. */
function urlTarget(text: string, endpoint: string): PullTarget | undefined {
  if (!/^https?:\/\//i.test(text)) return undefined;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new OmgError('invalid_model_name', `${JSON.stringify(text)} is not a valid URL.`);
  }
  const base = new URL(endpoint);
  const [owner, repo, view, revision, ...path] = url.pathname
    .slice(url.host === base.host ? base.pathname.replace(/\/$/, '').length : 0)
    .split('/')
    .filter((part) => part !== '')
    .map(decodePart);
  if (owner === undefined || repo === undefined) {
    throw new OmgError('invalid_model_name', `${JSON.stringify(text)} names no repository.`);
  }
  const { name, hasTag, revision: at } = parseModelName(`${owner}/${repo}`);
  const target = repoTarget(name, hasTag, at);
  if (view === undefined || revision === undefined || !['tree', 'blob', 'resolve'].includes(view)) return target;
  const file = path.join('/');
  return { ...target, revision, ...(/\.gguf$/i.test(file) ? { file } : {}) };
}

function merge(target: PullTarget, own: Pick<PullTarget, 'revision' | 'quant' | 'file'>): PullTarget {
  return {
    ...target,
    ...(own.revision === undefined ? {} : { revision: own.revision }),
    ...(own.quant === undefined ? {} : { quant: own.quant }),
    ...(own.file === undefined ? {} : { file: own.file }),
  };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new OmgError('invalid_model_name', `${JSON.stringify(part)} in the URL is not encoded properly.`);
  }
}
