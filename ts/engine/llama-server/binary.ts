import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { OmgError } from '../../errors/index.ts';

const NAMES =
  process.platform === 'win32'
    ? ['llama-server.exe', 'com.docker.llama-server.exe']
    : ['llama-server', 'com.docker.llama-server'];

/** Where package managers put it that services do not have on their PATH. */
const USUAL = ['/opt/homebrew/bin', '/usr/local/bin', '/usr/bin'];
const ANSWER_MS = 10_000;

export interface LlamaServerBinary {
  path: string;
  version: string;
  /** The flags that its own help lists. */
  flags: ReadonlySet<string>;
}

export interface BinarySearch {
  /** A file, or the folder that holds it. Empty: not said. */
  named: string;
  /** The PATH of this process. */
  path: string | undefined;
  /** Where `omg backend install` puts it. */
  installed: string;
}

/** The file of the binary that would be used, without starting it. Undefined: none is here. */
export async function findBinary({ named, path, installed }: BinarySearch): Promise<string | undefined> {
  if (named !== '') {
    const candidates = [named, ...NAMES.map((name) => join(named, name))];
    for (const candidate of candidates) if (await isFile(candidate)) return candidate;
    return undefined;
  }
  const folders = [installed, ...(path ?? '').split(delimiter).filter((folder) => folder !== ''), ...USUAL];
  for (const folder of folders) {
    for (const name of NAMES) if (await isFile(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

const described = new Map<string, Promise<LlamaServerBinary>>();

/** Asks a binary for its version and flags, once for as long as the file stays the same. Throws `engine_unavailable`. */
export async function describeBinary(path: string, environment: Record<string, string>): Promise<LlamaServerBinary> {
  const { size, mtimeMs, ino } = await stat(path);
  const key = [path, size, mtimeMs, ino].join(' ');
  let known = described.get(key);
  if (known === undefined) {
    known = describe(path, environment);
    described.set(key, known);
    known.catch(() => described.delete(key));
  }
  return known;
}

async function describe(path: string, environment: Record<string, string>): Promise<LlamaServerBinary> {
  const [version, help] = await Promise.all([ask(path, '--version', environment), ask(path, '--help', environment)]);
  const flags = new Set([...help.matchAll(/(?:^|[\s,])(--[a-z0-9][a-z0-9-]*)/gm)].map(([, flag]) => flag ?? ''));
  if (!flags.has('--ctx-size') || !flags.has('--host')) {
    throw new OmgError('engine_unavailable', `${path} is not a llama-server: its help lists other flags.`);
  }
  return { path, flags, version: /version:\s*(.+)/.exec(version)?.[1]?.trim() ?? 'unknown' };
}

function ask(path: string, flag: string, env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(path, [flag], { env, timeout: ANSWER_MS, maxBuffer: 4 << 20, cwd: dirname(path) }, (error, out, err) => {
      if (error === null) return resolve(`${out}\n${err}`);
      const said = err.trim().split('\n').at(-1);
      reject(
        new OmgError('engine_unavailable', `${path} does not start${said ? `: ${said}` : '.'}`, {
          hint: 'Is it made for this machine? LLAMA_SERVER_PATH names another one.',
          cause: error,
        }),
      );
    });
  });
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
