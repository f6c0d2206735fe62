import { createHash } from 'node:crypto';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The bytes of a file, in memory or on disk. */
export interface StandInContent {
  size: number;
  sha256: string;
  gitSha1: string;
  read(start: number, end: number): Promise<Buffer>;
}

export interface RepositoryOptions {
  gated?: boolean;
  private?: boolean;
  /** Tokens that may read a gated or private repository. */
  readers?: string[];
  downloads?: number;
  likes?: number;
  /** Answers as mirrors do that know no `blobs=true`. */
  hideSizes?: boolean;
}

type Tree = Map<string, StandInContent>;

/** A repository with its history: every change is a commit, and old commits can still be read. */
export class StandInRepository {
  readonly id: string;
  readonly options: RepositoryOptions;
  readonly #commits = new Map<string, Tree>();
  readonly #branches = new Map<string, string>();

  constructor(id: string, options: RepositoryOptions = {}) {
    this.id = id;
    this.options = options;
    this.commit('main', {});
  }

  /** Changes files on a branch (null removes one) and returns the id of the commit, 40 hex digits. */
  commit(branch: string, changes: Record<string, string | Buffer | StandInContent | null>): string {
    const parent = this.#branches.get(branch) ?? this.#branches.get('main') ?? '';
    const tree: Tree = new Map(this.#commits.get(parent) ?? []);
    for (const [filename, content] of Object.entries(changes)) {
      if (content === null) tree.delete(filename);
      else tree.set(filename, typeof content === 'string' || Buffer.isBuffer(content) ? inMemory(content) : content);
    }
    const listing = [...tree].map(([filename, { sha256 }]) => `${filename} ${sha256}`).join('\n');
    const id = createHash('sha1').update(`${this.id}\n${parent}\n${listing}`).digest('hex');
    this.#commits.set(id, tree);
    this.#branches.set(branch, id);
    return id;
  }

  /** By branch, tag or commit id. */
  at(revision: string): { commit: string; tree: ReadonlyMap<string, StandInContent> } | undefined {
    const commit = this.#branches.get(revision) ?? revision;
    const tree = this.#commits.get(commit);
    return tree === undefined ? undefined : { commit, tree };
  }

  /** Hub rule of thumb: weights and everything large is in LFS, the rest in git. */
  static isLfs(filename: string, content: StandInContent): boolean {
    return /\.(?:gguf|safetensors|bin|model)$/i.test(filename) || content.size > 1 << 20;
  }

  mayRead(token: string | undefined): boolean {
    if (!this.options.gated && !this.options.private) return true;
    return token !== undefined && (this.options.readers ?? []).includes(token);
  }
}

export function inMemory(content: string | Buffer): StandInContent {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return { size: bytes.length, ...hashesOf(bytes), read: async (start, end) => bytes.subarray(start, end) };
}

async function onDisk(path: string): Promise<StandInContent> {
  const { size } = await stat(path);
  return {
    size,
    ...hashesOf(await readFile(path)),
    read: async (start, end) => {
      const handle = await open(path, 'r');
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
        return buffer.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    },
  };
}

/** A repository per folder `<root>/<owner>/<repo>`, with the files below it. */
export async function loadRepositories(root: string): Promise<StandInRepository[]> {
  const repositories: StandInRepository[] = [];
  for (const owner of await folders(root)) {
    for (const name of await folders(join(root, owner))) {
      const repository = new StandInRepository(`${owner}/${name}`);
      const folder = join(root, owner, name);
      const files: Record<string, StandInContent> = {};
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        files[path.slice(folder.length + 1).replaceAll('\\', '/')] = await onDisk(path);
      }
      repository.commit('main', files);
      repositories.push(repository);
    }
  }
  return repositories;
}

async function folders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

function hashesOf(bytes: Buffer): { sha256: string; gitSha1: string } {
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    gitSha1: createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
  };
}
