import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { componentsOf } from './components.ts';
import { digestOf } from './manifest.ts';
import { DEFAULT_NAMESPACE, DEFAULT_TAG, LOCAL_HOST } from './names.ts';
import type { Artifact, InstallRecord } from './types.ts';

/** A model that came with the program: listed as installed, used where it lies. */
export interface BundledModel {
  /** Bare model name, such as `demo`. */
  model: string;
  /** Absolute path of the GGUF file. The model is not listed while there is none. */
  path: string;
}

/** The bundled `demo` model: of the installed package, or of the checkout, whether the program is bundled or not. */
export function demoModel(): BundledModel {
  const folders = ['../npm/demo-model', '../../npm/demo-model'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  try {
    folders.unshift(dirname(createRequire(import.meta.url).resolve('@ohmygpu/demo-model/package.json')));
  } catch {
    // Not linked or installed.
  }
  const paths = folders.map((folder) => join(folder, 'demo.gguf'));
  return { model: 'demo', path: paths.find((path) => existsSync(path)) ?? paths[0] ?? 'demo.gguf' };
}

/** Makes records of bundled models; a file is hashed once and again when it changes. */
export class BundledModels {
  readonly #models: readonly BundledModel[];
  readonly #known = new Map<string, { stamp: string; record: InstallRecord }>();

  constructor(models: readonly BundledModel[]) {
    this.#models = models;
  }

  async records(): Promise<InstallRecord[]> {
    const records = await Promise.all(this.#models.map((model) => this.#record(model)));
    return records.filter((record) => record !== undefined);
  }

  async #record({ model, path }: BundledModel): Promise<InstallRecord | undefined> {
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined || !stats.isFile()) return undefined;
    const stamp = `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
    const known = this.#known.get(path);
    if (known?.stamp === stamp) return known.record;
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes === undefined) return undefined;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const artifacts: Artifact[] = [{ filename: basename(path), size: bytes.length, sha256, format: 'gguf' }];
    const record: InstallRecord = {
      name: { host: LOCAL_HOST, namespace: DEFAULT_NAMESPACE, model, tag: DEFAULT_TAG },
      source: { scheme: 'bundled', reference: path, revision: { branch: 'bundled' } },
      artifacts,
      components: componentsOf(artifacts),
      localPath: dirname(path),
      // Archives give their files a date of long ago; the change of the inode is the installation.
      installedAt: new Date(Math.max(stats.mtimeMs, stats.ctimeMs)).toISOString(),
      digest: digestOf(artifacts),
      sizeBytes: bytes.length,
    };
    this.#known.set(path, { stamp, record });
    return record;
  }
}
