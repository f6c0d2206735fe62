import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..');
export const DEMO_FILE = join(ROOT, 'npm', 'demo-model', 'demo.gguf');

export interface Finished {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** A home folder and a port of their own, and the built `omg` to use them with. */
export class Installation {
  readonly home = mkdtempSync(join(tmpdir(), 'omg-e2e-'));
  readonly port: number;

  private constructor(port: number) {
    this.port = port;
  }

  static async create(): Promise<Installation> {
    return new Installation(await freePort());
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, OMG_HOME: this.home, OMG_PORT: String(this.port), HF_ENDPOINT: 'http://127.0.0.1:9' };
  }

  omg(...args: string[]): Promise<Finished> {
    return this.run([join(ROOT, 'scripts', 'bin', 'omg.mjs'), ...args]);
  }

  /** Runs a script with this installation's environment and no stdin. */
  run(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...this.environment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      texts.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      texts.stderr += text;
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (exitCode) => resolve({ exitCode, ...texts }));
    });
  }

  async json(...args: string[]): Promise<unknown> {
    const { stdout } = await this.omg(...args, '--json');
    return JSON.parse(stdout);
  }

  /** Stops what may still run and removes the home. */
  async dispose(): Promise<void> {
    await this.omg('serve', 'stop');
    rmSync(this.home, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('The system gave no port.');
  return address.port;
}
