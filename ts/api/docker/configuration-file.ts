import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { parseKeepAlive, readRegularFile, writeFileAtomically } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { EngineKind } from '../../inference/index.ts';
import { asStoreChange } from '../../library/index.ts';
import type { UseOptions } from '../../lifecycle/index.ts';
import { engineNamed, list, optional, record } from '../wire/index.ts';
import { BACKEND } from './backends.ts';

const MODES = ['completion', 'embedding', 'reranking', 'image-generation'] as const;

const anyObject = record(z.unknown());

export const configureSchema = z.object({
  model: z.string().min(1),
  mode: optional(z.enum(MODES)),
  'context-size': optional(z.number().int().min(-1)),
  'runtime-flags': optional(list(z.string())),
  'raw-runtime-flags': optional(z.string()),
  speculative: optional(anyObject),
  keep_alive: optional(z.string()),
  vllm: optional(anyObject),
  llamacpp: optional(z.object({ 'reasoning-budget': optional(z.number().int()) })),
});

const configurationSchema = z.object({
  backend: z.string(),
  model: z.string(),
  mode: z.enum(MODES),
  config: configureSchema.omit({ model: true, mode: true }),
});
export type Configuration = z.output<typeof configurationSchema>;

const fileSchema = z.object({ models: record(configurationSchema) });

const LARGEST_FILE = 4 * 1024 * 1024;

type SetUp = Pick<UseOptions, 'contextLength' | 'keepAliveMs' | 'engine'>;

/** What a configuration asks for. Throws `invalid_request` for a time that cannot be read. */
export function setUpOf(config: Configuration['config']): SetUp {
  const { 'context-size': size = 0, keep_alive } = config;
  // Docker's word for ever, which is no duration.
  const keepAliveMs = parseKeepAlive(keep_alive === '-1' ? -1 : keep_alive);
  return { keepAliveMs, ...(size > 0 ? { contextLength: size } : {}) };
}

/** How models are to be loaded, by digest; kept in a file, so that it holds for later daemons as well. */
export class ConfigurationFile {
  readonly #path: string;
  readonly #entries: Map<string, Configuration>;
  #writing: Promise<unknown> = Promise.resolve();
  /** Why the file was not understood; nothing is configured then, and nothing written over it. */
  readonly problem: string | undefined;

  private constructor(path: string, entries: [string, Configuration][], problem?: string) {
    this.#path = path;
    this.#entries = new Map(entries);
    this.problem = problem;
  }

  /** Never throws: see `problem`. */
  static async open(path: string): Promise<ConfigurationFile> {
    const read = await readRegularFile(path, LARGEST_FILE);
    if (read === undefined) return new ConfigurationFile(path, []);
    if ('refused' in read) return new ConfigurationFile(path, [], `${path} ${read.refused}.`);
    try {
      const entries = Object.entries(fileSchema.parse(JSON.parse(read.text)).models);
      for (const [, { config }] of entries) setUpOf(config);
      return new ConfigurationFile(path, entries);
    } catch {
      return new ConfigurationFile(path, [], `${path} does not hold configurations of models.`);
    }
  }

  /** What holds for the loads of a model. */
  of(digest: string): SetUp | undefined {
    const entry = this.#entries.get(digest);
    return entry && { ...setUpOf(entry.config), engine: chosenEngine(entry.backend) };
  }

  entries(): [string, Configuration][] {
    return [...this.#entries];
  }

  /** Resolves when it is on the disk. One that sets nothing takes away what was set. Throws `invalid_config` for a file that was not understood, and what the disk says, changing nothing. */
  async set(digest: string, entry: Configuration): Promise<void> {
    if (this.problem !== undefined) {
      throw new OmgError('invalid_config', this.problem, { hint: 'Mend or delete it, and start the daemon again.' });
    }
    const written = this.#writing.then(() => this.#write(digest, entry));
    this.#writing = written.catch(() => {});
    await written;
    if (setsNothing(entry)) this.#entries.delete(digest);
    else this.#entries.set(digest, entry);
  }

  async #write(digest: string, entry: Configuration): Promise<void> {
    const kept = this.entries().filter(([key]) => key !== digest);
    const models = { ...Object.fromEntries(kept), ...(setsNothing(entry) ? {} : { [digest]: entry }) };
    await asStoreChange('write the configurations', async () => {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      await writeFileAtomically(this.#path, `${JSON.stringify({ models }, null, 2)}\n`, { mode: 0o600 });
    });
  }
}

/** `candle` is what is written where nobody named one. */
export function chosenEngine(backend: string): EngineKind | undefined {
  return backend === BACKEND ? undefined : engineNamed(backend);
}

function setsNothing({ backend, mode, config }: Configuration): boolean {
  const { contextLength, keepAliveMs } = setUpOf(config);
  return (
    chosenEngine(backend) === undefined &&
    mode === 'completion' &&
    contextLength === undefined &&
    keepAliveMs === undefined
  );
}
