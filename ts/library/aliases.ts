import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
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

/** The aliases of the user's file as they are written there. Throws `invalid_config` for a file that cannot be understood. */
export async function readAliases(path: string): Promise<{ alias: string; target: string }[]> {
  const aliases = (await documentOf(path)).toJS() as Record<string, string> | null;
  return Object.entries(aliases ?? {}).map(([alias, target]) => ({ alias, target }));
}

/**
 * Sets an alias in the user's file, or takes it out where `target` is undefined; comments and the other lines stay. Returns whether the file
 * had it. Throws `invalid_model_name`, and `invalid_config` for a file that cannot be understood.
 */
export async function writeAlias(path: string, alias: string, target: string | undefined): Promise<boolean> {
  const key = nameKey(parseModelName(alias).name);
  if (target !== undefined) parseModelName(target);
  const document = await documentOf(path);
  const known = Object.keys((document.toJS() ?? {}) as Record<string, string>);
  const same = known.filter((name) => sameName(name, key));
  for (const name of same) document.delete(name);
  if (target !== undefined) document.set(alias, target);
  if (target !== undefined || same.length > 0) await writeFileAtomically(path, document.toString());
  return same.length > 0;
}

/** The file, with its comments. */
async function documentOf(path: string) {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(await readFile(path, 'utf8').catch(emptyIfMissing));
  const isMap = aliasesSchema.safeParse(document.toJS()).success;
  if (document.errors.length > 0 || !isMap) {
    throw new OmgError('invalid_config', `${path} is not a map from names to names.`, {
      hint: 'Mend it with an editor.',
    });
  }
  return document;
}

function sameName(text: string, key: string): boolean {
  try {
    return nameKey(parseModelName(text).name) === key;
  } catch {
    return false;
  }
}

function emptyIfMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}
