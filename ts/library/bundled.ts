import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

/** The bundled `demo` model: of the installed package, or of the checkout. */
export function demoModel(): BundledModel {
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve('@ohmygpu/demo-model/package.json'));
  } catch {
    folder = fileURLToPath(new URL('../../npm/demo-model', import.meta.url));
  }
  return { model: 'demo', path: join(folder, 'demo.gguf') };
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
      modelRef: { provider: 'bundled', repo: path, kind: 'gguf' },
      revision: { branch: 'bundled' },
      artifacts,
      localPath: dirname(path),
      enginePath: path,
      installedAt: new Date(stats.mtimeMs).toISOString(),
      digest: digestOf(artifacts),
      sizeBytes: bytes.length,
    };
    this.#known.set(path, { stamp, record });
    return record;
  }
}
