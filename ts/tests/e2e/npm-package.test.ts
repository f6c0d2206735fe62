import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CleanHost } from '../../../scripts/release/clean-host.ts';
import { TARGETS } from '../../../scripts/targets.ts';
import { installation } from '../../config/index.ts';

// What `npm i -g ohmygpu` will give: the packages of this checkout, from a registry on this machine, into an empty home.

describe('the published packages', () => {
  let host: CleanHost;

  beforeAll(async () => {
    host = await CleanHost.create();
    await host.publish();
  });
  afterAll(() => host.dispose());

  const manifest = (): Record<string, Record<string, string>> =>
    JSON.parse(readFileSync(join(host.packageRoot, 'package.json'), 'utf8'));

  test('npm installs them, without running a script', async () => {
    const { exitCode, stderr } = await host.npm('install', '-g', '--prefix', host.prefix, 'ohmygpu');
    // Its warnings are about the machine.
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(manifest()).not.toHaveProperty('scripts');
    expect(manifest()).not.toHaveProperty('devDependencies');
    expect(Object.keys(manifest().dependencies ?? {})).toEqual(['@ohmygpu/demo-model']);
    expect(Object.keys(manifest().optionalDependencies ?? {})).toHaveLength(TARGETS.length);
    expect(installation(host.packageRoot).by).toBe('npm');
  });

  test('what it exports is in it, with its types', async () => {
    const { exports } = manifest() as unknown as { exports: Record<string, string | Record<string, string>> };
    const targets = Object.values(exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    );
    expect(targets.length).toBeGreaterThan(3);
    expect(targets.filter((path) => !existsSync(join(host.packageRoot, path)))).toEqual([]);
    const { connect } = (await import(pathToFileURL(join(host.packageRoot, 'dist', 'sdk.js')).href)) as {
      connect: (options: object) => Promise<{ health(): Promise<unknown> }>;
    };
    const client = await connect({ url: 'http://127.0.0.1:9' });
    await expect(client.health()).rejects.toMatchObject({ code: 'daemon_not_running' });
  });

  test('both names say the version', async () => {
    const { version } = manifest();
    expect(await host.omg('--version')).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
    const bin = join(host.prefix, process.platform === 'win32' ? 'ohmygpu.cmd' : 'bin/ohmygpu');
    expect((await host.run(bin, ['--version'])).stdout).toBe(`${version}\n`);
  });

  test('the daemon of the package answers a client', async () => {
    expect(await host.omg('serve', '-d')).toMatchObject({ exitCode: 0, stdout: `${host.url}\n` });
    const { message } = await new Ollama({ host: host.url }).chat({
      model: 'demo',
      messages: [{ role: 'user', content: 'What is the capital of France?' }],
      options: { temperature: 0 },
    });
    expect(message.content).toContain('Paris');
    expect((await host.omg('serve', 'stop')).exitCode).toBe(0);
  });

  const native = (): string => {
    const folder = join(host.packageRoot, 'node_modules', '@ohmygpu');
    const name = readdirSync(folder).find((entry) => entry.startsWith('native-')) ?? '';
    return join(folder, name);
  };

  test('an addon that is missing, foreign or of another version is explained with the command that mends it', async () => {
    const ask = () => host.omg('run', 'demo', 'Hello', '--start');
    const folder = native();
    const repair = '`npm install -g ohmygpu --include=optional`';

    renameSync(folder, `${folder}.away`);
    expect(await ask()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/not installed .*@ohmygpu\/native-/),
    });
    renameSync(`${folder}.away`, folder);

    const library = join(folder, 'omg.node');
    const bytes = readFileSync(library);
    writeFileSync(library, 'not a library');
    const broken = await ask();
    expect(broken.stderr).toContain('The native engine does not work');
    expect(broken.stderr).toContain(repair);
    writeFileSync(library, bytes);

    const own = join(folder, 'package.json');
    const text = readFileSync(own, 'utf8');
    writeFileSync(own, text.replace(/"version": "[^"]+"/, '"version": "0.0.1"'));
    expect((await ask()).stderr).toContain('has version 0.0.1, and this is');
    writeFileSync(own, text);
    expect((await ask()).exitCode).toBe(0);
  });

  test('uninstalling leaves the home folder and nothing else', async () => {
    await host.npm('uninstall', '-g', '--prefix', host.prefix, 'ohmygpu');
    expect(existsSync(host.packageRoot)).toBe(false);
    expect(host.leftInHome().filter((path) => !path.startsWith(join('.config', 'ohmygpu')))).toEqual([]);
  });
});
