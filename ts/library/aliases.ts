import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { nameKey, parseModelName } from './names.ts';

const aliasesSchema = z.record(z.string(), z.string()).nullable();

/** The user's `aliases.yaml`: a map from a name to the name it stands for. Read again when the file changes. */
export class UserAliases {
  readonly #path: string | undefined;
  #stamp: string | undefined;
  #table = new Map<string, string>();
  #problem: string | undefined;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** What the file maps a name key to. A file that cannot be read maps nothing and is told by `problem`. */
  async table(): Promise<ReadonlyMap<string, string>> {
    if (this.#path === undefined) return this.#table;
    const stats = await stat(this.#path, { bigint: true }).catch(() => undefined);
    const stamp = stats === undefined ? undefined : `${stats.ino} ${stats.mtimeNs} ${stats.size}`;
    if (stamp === this.#stamp) return this.#table;
    this.#stamp = stamp;
    this.#table = new Map();
    this.#problem = undefined;
    if (stamp !== undefined) await this.#read(this.#path);
    return this.#table;
  }

  get problem(): { path: string; message: string } | undefined {
    return this.#path === undefined || this.#problem === undefined
      ? undefined
      : { path: this.#path, message: this.#problem };
  }

  async #read(path: string): Promise<void> {
    try {
      const { parse } = await import('yaml');
      const aliases = aliasesSchema.parse(parse(await readFile(path, 'utf8'))) ?? {};
      for (const [alias, target] of Object.entries(aliases)) {
        parseModelName(target);
        this.#table.set(nameKey(parseModelName(alias).name), target);
      }
    } catch (error) {
      this.#table = new Map();
      this.#problem = error instanceof Error ? error.message : String(error);
    }
  }
}
