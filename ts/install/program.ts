import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OmgError } from '../errors/index.ts';

const PATIENCE_MS = 60_000;

/** An installed `omg`, of any version. */
export interface Program {
  /** Folder of the package. */
  root: string;
  node: string;
}

/** The program in a folder: with the Node that lies beside it, or that of this process. */
export function programIn(root: string): Program {
  const own = join(root, 'runtime', process.platform === 'win32' ? 'node.exe' : 'node');
  return { root, node: existsSync(own) ? own : process.execPath };
}

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line of a program and gives what it printed; exit code 124 where it took too long. */
export function runProgram({ root, node }: Program, args: string[], timeoutMs = PATIENCE_MS): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      node,
      [join(root, 'scripts', 'bin', 'omg.mjs'), ...args],
      { timeout: timeoutMs, windowsHide: true, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : error.killed ? 124 : typeof error.code === 'number' ? error.code : 1;
        resolve({ exitCode, stdout, stderr: stderr || (error?.message ?? '') });
      },
    );
  });
}

/** Whether a program works here: it starts, says its version, and its engine loads. Throws `update_failed`. */
export async function selfTest(program: Program, version: string): Promise<void> {
  const says = await runProgram(program, ['--version']);
  if (says.exitCode !== 0 || says.stdout.trim() !== version) {
    const what =
      says.exitCode === 0 ? `says that it is ${says.stdout.trim()}` : `does not start: ${lastLine(says.stderr)}`;
    throw failure(`omg ${version} ${what}.`);
  }
  const engine = await runProgram(program, ['backend', 'list', '--json']);
  if (engine.exitCode !== 0) throw failure(`The engine of omg ${version} does not load: ${lastLine(engine.stderr)}`);
}

function failure(message: string): OmgError {
  return new OmgError('update_failed', message, { hint: 'The version before stays as it is.' });
}

function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('hint:'));
  return lines.at(-1)?.replace(/^error: /, '') ?? 'it says nothing';
}
