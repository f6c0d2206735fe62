import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { nameKey } from './names.ts';
import type { ModelName } from './types.ts';

/** Device names of Windows, which may not be folders either. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Where things are below the models folder:
 * `manifests/<key>.json` one per model · `blobs/sha256-<hex>` the bytes · `files/<host>/<namespace>/<model>/<tag>-<digest>/…`
 * hard links to blobs under readable names · `partial/` downloads under way · `leases/` what pulls keep from gc · `store.lock`.
 */
export class StoreLayout {
  readonly root: string;
  readonly manifests: string;
  readonly blobs: string;
  readonly files: string;
  readonly partial: string;
  readonly leases: string;
  readonly lock: string;

  constructor(root: string) {
    this.root = root;
    this.manifests = join(root, 'manifests');
    this.blobs = join(root, 'blobs');
    this.files = join(root, 'files');
    this.partial = join(root, 'partial');
    this.leases = join(root, 'leases');
    this.lock = join(root, 'store.lock');
  }

  blob(sha256: string): string {
    return join(this.blobs, `sha256-${sha256}`);
  }

  manifest(name: ModelName): string {
    return join(this.manifests, manifestFile(name));
  }

  /** The folder of a model, relative to the root and `/`-separated, as manifests keep it. */
  modelFolder(name: ModelName, digest: string): string {
    const parts = [name.host.replaceAll(':', '='), name.namespace, name.model].map(folderName);
    return ['files', ...parts, `${folderName(name.tag)}-${digest.slice(0, 12)}`].join('/');
  }
}

/** One file name per name key; `+` and `=` are in no name, so that no two keys share a file. */
export function manifestFile(name: ModelName): string {
  const key = nameKey(name).replaceAll('/', '+').replaceAll(':', '=');
  if (key.length <= 200) return `${key}.json`;
  return `${key.slice(0, 120)}+${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`;
}

function folderName(part: string): string {
  const safe = part.replace(/\.$/, '_');
  return RESERVED.test(safe) ? `_${safe}` : safe;
}
