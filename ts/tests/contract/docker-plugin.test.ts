import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { installDockerPlugins } from '../../install/index.ts';
import { json, omg, type Run } from './run-omg.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');

let config: string;
beforeEach(() => {
  config = mkdtempSync(join(tmpdir(), "omg-docker's "));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(config, { recursive: true, force: true });
});

const fileOf = (plugin: string) => join(config, 'cli-plugins', `docker-${plugin}`);

describe.skipIf(process.platform === 'win32')('installed', () => {
  let served: TestDaemon;
  beforeAll(async () => {
    served = await testDaemon({ script: { reply: 'Paris it is.' } });
    await served.install('demo');
  });
  afterAll(() => served.stop());
  beforeEach(() =>
    installDockerPlugins(['model', 'omg'], {
      config,
      command: [process.execPath, '--disable-warning=ExperimentalWarning', MAIN, 'docker-call'],
      force: false,
    }),
  );

  /** Starts a plugin as docker does: by its file, with the whole command line but for the word `docker`. */
  const docker = (plugin: string, ...args: string[]) =>
    new Promise<Run>((resolve) => {
      const env = {
        ...process.env,
        OMG_HOME: served.config.paths.home,
        OMG_PORT: String(served.daemon.endpoint.port),
      };
      const child = execFile(fileOf(plugin), args, { env }, (_error, stdout, stderr) => {
        resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
      });
      child.stdin?.end();
    });

  test.each(['model', 'omg'])('docker-%s says what it is', async (plugin) => {
    const { exitCode, stdout } = await docker(plugin, 'docker-cli-plugin-metadata');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      SchemaVersion: '0.1.0',
      Vendor: 'ohmygpu',
      Version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      ShortDescription: expect.stringMatching(/\w/),
    });
  });

  test('commands of docker model do what they do there, with their flags', async () => {
    expect((await docker('model', 'model', 'ls', '-q')).stdout).toBe('demo:latest\n');
    expect(await docker('model', 'model', 'run', '--color', 'no', 'demo', 'Where?')).toEqual({
      exitCode: 0,
      stdout: 'Paris it is.\n',
      stderr: '',
    });
    const inspected = await docker('model', 'model', 'inspect', 'demo');
    expect(JSON.parse(inspected.stdout)).toMatchObject({ name: 'demo:latest' });
    expect((await docker('model', 'model', 'tag', 'demo', 'other')).exitCode).toBe(0);
    expect((await docker('model', 'model', 'run', '-d', 'other')).stderr).toBe('Loaded other:latest.\n');
    expect((await docker('model', 'model', 'unload', '--all')).stderr).toMatch(/^Stopped \w+:latest\.$/m);
    expect((await docker('model', 'model', 'rm', '-f', 'other')).stderr).toBe('Removed other.\n');
    await docker('model', 'model', 'configure', '--keep-alive', '1h', 'demo');
    expect((await docker('model', 'model', 'configure', 'show')).stdout).toMatch(/^demo:latest +1h$/m);
    expect((await docker('model', 'model', 'status', '--json')).stdout).toContain('"status"');
  });

  test("docker's own options may stand before the name", async () => {
    expect((await docker('model', '--context', 'model', '-D', 'model', 'list', '-q')).stdout).toBe('demo:latest\n');
  });

  test('docker omg passes everything on', async () => {
    expect((await docker('omg', 'omg', 'list', '-q')).stdout).toBe('demo:latest\n');
    expect((await docker('omg', 'omg', 'run', 'demo', '--', '--why')).stdout).toBe('Paris it is.\n');
    expect(served.engine.generations.at(-1)?.promptText).toContain('--why');
    const { exitCode, stderr } = await docker('omg', 'omg', 'nothing');
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('There is no command `omg nothing`.')]);
  });

  test('help is asked for in three ways', async () => {
    for (const line of [['model'], ['model', '--help'], ['help', 'model']]) {
      expect((await docker('model', ...line)).stdout).toMatch(/^docker model runs[\s\S]*\n {2}pull /);
    }
    for (const line of [
      ['model', 'pull', '--help'],
      ['help', 'model', 'pull'],
    ]) {
      expect((await docker('model', ...line)).stdout).toMatch(/^Download a model/);
    }
  });

  test('what has no counterpart says what does the same', async () => {
    const { exitCode, stdout, stderr } = await docker('model', 'model', 'package', '--gguf', 'x.gguf', 'x');
    expect([exitCode === 0, stdout]).toEqual([false, '']);
    expect(stderr).toMatch(/omg has no `docker model package`[\s\S]*omg import/);
  });

  test('words are completed, and no file names', async () => {
    expect((await docker('model', '__complete', 'model', 'un')).stdout).toBe('unload\n:4\n');
    expect((await docker('model', '__complete', 'model', 'run', 'd')).stdout).toBe('demo\n:4\n');
  });
});

describe.skipIf(process.platform === 'win32')('install and uninstall', () => {
  beforeEach(() => {
    vi.stubEnv('OMG_HOME', join(config, 'home'));
    vi.stubEnv('DOCKER_CONFIG', config);
  });
  const putForeign = () => {
    mkdirSync(join(config, 'cli-plugins'));
    writeFileSync(fileOf('model'), '#!/bin/sh\necho theirs\n');
    chmodSync(fileOf('model'), 0o755);
  };

  test('come and go with DOCKER_CONFIG, as often as one likes', async () => {
    for (let time = 0; time < 2; time++) {
      expect(await json(['docker-plugin', 'install'])).toMatchObject({ installed: [{ plugin: 'model' }, {}] });
    }
    expect(readFileSync(fileOf('omg'), 'utf8')).toContain('omg.mjs');
    expect((await omg(['docker-plugin', 'uninstall', 'omg'])).exitCode).toBe(0);
    expect([existsSync(fileOf('model')), existsSync(fileOf('omg'))]).toEqual([true, false]);
    await omg(['docker-plugin', 'uninstall']);
    expect(existsSync(fileOf('model'))).toBe(false);
    expect((await omg(['docker-plugin', 'uninstall'])).stderr).toBe('There is no plugin of omg.\n');
  });

  test("another program's plugin is kept, and none is written", async () => {
    putForeign();
    const { exitCode, stderr } = await omg(['docker-plugin', 'install']);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('--force');
    expect(readFileSync(fileOf('model'), 'utf8')).toContain('theirs');
    expect(existsSync(fileOf('omg'))).toBe(false);
    expect((await omg(['docker-plugin', 'install', 'omg'])).exitCode).toBe(0);
    await omg(['docker-plugin', 'uninstall']);
    expect(readFileSync(fileOf('model'), 'utf8')).toContain('theirs');
  });

  test('--force puts it aside, and uninstall brings it back', async () => {
    putForeign();
    for (let time = 0; time < 2; time++) {
      expect((await omg(['docker-plugin', 'install', '--force'])).exitCode).toBe(0);
      expect(readFileSync(fileOf('model'), 'utf8')).not.toContain('theirs');
    }
    await omg(['docker-plugin', 'uninstall']);
    expect(readFileSync(fileOf('model'), 'utf8')).toContain('theirs');
  });

  test('a folder that cannot be written, and a plugin that is not there, are told', async () => {
    writeFileSync(join(config, 'cli-plugins'), '');
    expect((await omg(['docker-plugin', 'install'])).stderr).toContain('cannot be changed');
    expect((await omg(['docker-plugin', 'install', 'compose'])).stderr).toContain('There is: model, omg.');
  });
});
