import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packAll } from './pack.mjs';
import { StandInRegistry } from './registry.ts';
import type { SigningKey } from './signing.ts';

export interface Finished {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

const ROOT = join(import.meta.dirname, '..', '..');

/** A machine of its own: an empty home, an npm prefix, a registry that holds what this checkout publishes. */
export class CleanHost {
  readonly folder = mkdtempSync(join(tmpdir(), 'omg-packed-'));
  readonly registry: StandInRegistry;
  readonly port: number;
  /** Where the host looks for models; nothing listens there unless a test says so. */
  hub = 'http://127.0.0.1:9';

  private constructor(registry: StandInRegistry, port: number) {
    this.registry = registry;
    this.port = port;
    mkdirSync(this.userHome);
  }

  /** @param key What its registry signs with. */
  static async create(key?: SigningKey): Promise<CleanHost> {
    return new CleanHost(await StandInRegistry.start(key), await freePort());
  }

  get userHome(): string {
    return join(this.folder, 'home');
  }

  get prefix(): string {
    return join(this.folder, 'prefix');
  }

  get packageRoot(): string {
    return join(this.prefix, process.platform === 'win32' ? '' : 'lib', 'node_modules', 'ohmygpu');
  }

  get omgHome(): string {
    return join(this.userHome, '.config', 'ohmygpu');
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Nothing of the person who runs the tests: no settings, no npm configuration. */
  get environment(): NodeJS.ProcessEnv {
    const { PATH, SystemRoot, ComSpec, TEMP } = process.env;
    return {
      PATH: [dirname(process.execPath), PATH].join(process.platform === 'win32' ? ';' : ':'),
      ...(process.platform === 'win32' ? { SystemRoot, ComSpec, TEMP } : {}),
      HOME: this.userHome,
      USERPROFILE: this.userHome,
      APPDATA: join(this.userHome, '.config'),
      OMG_PORT: String(this.port),
      OMG_NPM_REGISTRY: this.registry.url,
      HF_ENDPOINT: this.hub,
      NO_COLOR: '1',
      npm_config_registry: this.registry.url,
      npm_config_cache: join(this.folder, 'npm-cache'),
      npm_config_audit: 'false',
      npm_config_update_notifier: 'false',
    };
  }

  /** Packs the checkout and publishes the packages. */
  async publish(addon = join(ROOT, 'dist', 'native', 'omg.node')): Promise<Record<string, string>> {
    const packs: Record<string, string> = await packAll({ addon, out: join(this.folder, 'packs') });
    for (const file of Object.values(packs)) this.registry.publish(file);
    return packs;
  }

  npm(...args: string[]): Promise<Finished> {
    return this.run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args);
  }

  omg(...args: string[]): Promise<Finished> {
    return this.run(join(this.prefix, process.platform === 'win32' ? 'omg.cmd' : join('bin', 'omg')), args);
  }

  run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
    const child = spawn(command, args, {
      cwd: this.userHome,
      env: { ...this.environment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text;
      });
    }
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (exitCode) => resolve({ exitCode, ...texts }));
    });
  }

  /** Files below the home of the person, relative to it. */
  leftInHome(): string[] {
    return readdirSync(this.userHome, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name).slice(this.userHome.length + 1));
  }

  async dispose(): Promise<void> {
    if (existsSync(this.packageRoot)) await this.omg('serve', 'stop');
    await this.registry.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('The system gave no port.');
  return address.port;
}
