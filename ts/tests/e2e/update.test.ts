import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asVersion } from '../../../scripts/release/another-version.ts';
import { makeArchive } from '../../../scripts/release/archive.mjs';
import { CleanHost } from '../../../scripts/release/clean-host.ts';
import { packAll } from '../../../scripts/release/pack.mjs';
import { makeSigningKey, signatureOf } from '../../../scripts/release/signing.ts';
import { ReleasesSite } from '../../../scripts/release/site.ts';
import { installerTrusting, trustInFolder } from '../../../scripts/release/trust.ts';
import { ROOT } from './omg.ts';

// `omg update` as it will happen: versions of this checkout under other numbers, from a registry and from a site, with the daemon running.

const GOOD = '90.1.0';
const NO_ENGINE = '90.2.0';
const NO_DAEMON = '90.3.0';
const version = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

/** The native package without an engine in it. */
function breakEngine(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.name === 'omg.node') writeFileSync(join(entry.parentPath, entry.name), 'not a library');
  }
}

/** A program that starts and whose daemon does not: what only shows once it is in place. */
function breakDaemon(folder: string): void {
  const bin = join(folder, 'scripts', 'bin', 'node-version.mjs');
  appendFileSync(bin, "\nif (process.argv[2] === 'serve' && process.argv[3] !== 'stop') process.exit(1);\n");
}

async function answer(host: CleanHost): Promise<string> {
  const reply = await new Ollama({ host: host.url }).chat({
    model: 'demo',
    messages: [{ role: 'user', content: 'What is the capital of France?' }],
    options: { temperature: 0 },
  });
  return reply.message.content;
}

async function daemonVersion(host: CleanHost): Promise<string> {
  const health = (await (await fetch(`${host.url}/health`)).json()) as { version: string };
  return health.version;
}

/** A hub that takes connections and says nothing until it is closed. */
async function silentHub(): Promise<{ url: string; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, close };
}

let packs: Record<string, string>;
/** What these versions of omg trust in the place of the real key; they are the same in all else. */
const key = makeSigningKey();

beforeAll(async () => {
  const out = mkdtempSync(join(tmpdir(), 'omg-packs-'));
  packs = await packAll({ addon: join(ROOT, 'dist', 'native', 'omg.node'), out });
  packs.ohmygpu = await asVersion(packs.ohmygpu ?? '', version, (folder) => trustInFolder(folder, key.publicKey));
  return () => rmSync(out, { recursive: true, force: true });
});

describe('from npm', () => {
  let host: CleanHost;
  let hub: Awaited<ReturnType<typeof silentHub>>;
  const publish = async (number: string, change: (name: string) => ((folder: string) => void) | undefined) => {
    for (const [name, file] of Object.entries(packs))
      host.registry.publish(await asVersion(file, number, change(name)));
  };

  beforeAll(async () => {
    host = await CleanHost.create(key);
    hub = await silentHub();
    host.hub = hub.url;
    for (const file of Object.values(packs)) host.registry.publish(file);
    await host.registry.sign(version);
    await host.npm('install', '-g', '--prefix', host.prefix, 'ohmygpu');
    expect((await host.omg('serve', '-d')).exitCode).toBe(0);
  });
  afterAll(async () => {
    hub.close();
    await host.dispose();
  });

  const leftovers = (): string[] => readdirSync(join(host.packageRoot, '..')).filter((name) => name !== 'ohmygpu');

  test('the newest needs no update', async () => {
    expect((await host.omg('update')).stdout).toBe(`omg ${version} is the newest.\n`);
  });

  test('--check names a newer one and changes nothing', async () => {
    await publish(GOOD, () => undefined);
    const { stdout } = await host.omg('update', '--check', '--json');
    expect(JSON.parse(stdout)).toEqual({ current: version, latest: GOOD, available: true });
    expect((await host.omg('--version')).stdout).toBe(`${version}\n`);
  });

  test('a version that nobody has signed, or somebody else has, is refused', async () => {
    for (const sign of [async () => {}, () => host.registry.sign(GOOD, { key: makeSigningKey() })]) {
      await sign();
      const { exitCode, stderr } = await host.omg('update');
      expect({ exitCode, stderr }).toEqual({
        exitCode: 5,
        stderr: expect.stringMatching(/no signature|is not signed/),
      });
      expect((await host.omg('--version')).stdout).toBe(`${version}\n`);
      expect(leftovers()).toEqual([]);
    }
    await host.registry.sign(GOOD);
  });

  test('a package that was changed on its way is refused', async () => {
    host.registry.tamper = (name, bytes) => (name === 'ohmygpu' ? Buffer.concat([bytes, Buffer.alloc(512)]) : bytes);
    const { exitCode, stderr } = await host.omg('update');
    host.registry.tamper = undefined;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 5,
      stderr: expect.stringContaining('does not match its checksum'),
    });
    expect((await host.omg('--version')).stdout).toBe(`${version}\n`);
    expect(leftovers()).toEqual([]);
  });

  test('a daemon at work is left alone', async () => {
    const abort = new AbortController();
    const pull = fetch(`${host.url}/api/pull`, {
      method: 'POST',
      body: JSON.stringify({ model: 'owner/model' }),
      signal: abort.signal,
    }).then((response) => response.text());
    const downloading = async (): Promise<string[]> => {
      const status = await (await fetch(`${host.url}/ohmygpu/v1/status`)).json();
      return (status as { models: { downloading: string[] } }).models.downloading;
    };
    await expect.poll(downloading).toHaveLength(1);
    const { exitCode, stderr } = await host.omg('update', '--wait', '0s');
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('The daemon downloads') });
    expect(await daemonVersion(host)).toBe(version);
    expect(leftovers()).toEqual([]);
    abort.abort();
    await expect(pull).rejects.toThrow();
    await expect.poll(downloading).toEqual([]);
  });

  test('an update changes the program and its daemon, which goes on answering', async () => {
    const { exitCode, stderr } = await host.omg('update');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: expect.stringContaining(`from ${version} to ${GOOD}`),
    });
    expect((await host.omg('--version')).stdout).toBe(`${GOOD}\n`);
    expect(await daemonVersion(host)).toBe(GOOD);
    expect(await answer(host)).toContain('Paris');
    expect(leftovers()).toEqual([]);
  });

  test('a version whose engine does not load never gets into place', async () => {
    await publish(NO_ENGINE, (name) => (name.includes('native-') ? breakEngine : undefined));
    await host.registry.sign(NO_ENGINE);
    const { exitCode, stderr } = await host.omg('update');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining('The engine of omg 90.2.0 does not load'),
    });
    expect(await daemonVersion(host)).toBe(GOOD);
    expect(leftovers()).toEqual([]);
  });

  test('a version whose daemon does not start is taken back', async () => {
    await publish(NO_DAEMON, (name) => (name === 'ohmygpu' ? breakDaemon : undefined));
    await host.registry.sign(NO_DAEMON);
    const { exitCode, stderr } = await host.omg('update');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining(`omg ${GOOD} is back in its place`),
    });
    expect((await host.omg('--version')).stdout).toBe(`${GOOD}\n`);
    expect(await daemonVersion(host)).toBe(GOOD);
    expect(await answer(host)).toContain('Paris');
    expect(leftovers()).toEqual([]);
  });

  test('npm still knows the package and uninstalls it', async () => {
    expect((await host.omg('update', '--to', version)).exitCode).toBe(0);
    await host.omg('serve', 'stop');
    expect((await host.npm('ls', '-g', '--prefix', host.prefix)).stdout).toContain(`ohmygpu@${version}`);
    expect((await host.npm('uninstall', '-g', '--prefix', host.prefix, 'ohmygpu')).exitCode).toBe(0);
    expect(existsSync(host.packageRoot)).toBe(false);
  });
});

describe.skipIf(process.platform === 'win32')('from a release archive', () => {
  let host: CleanHost;
  let site: ReleasesSite;
  let installer: string;
  const prefix = (): string => join(host.userHome, '.local');
  const omg = (...args: string[]) => host.run(join(prefix(), 'bin', 'omg'), args, { OMG_RELEASES: site.url });
  const script = (...args: string[]) =>
    host.run('sh', [installer, '--prefix', prefix(), ...args], { OMG_RELEASES: site.url });
  const versions = (): string[] => readdirSync(join(prefix(), 'lib', 'ohmygpu')).sort();

  beforeAll(async () => {
    host = await CleanHost.create();
    site = await ReleasesSite.start(key);
    installer = installerTrusting(key.publicKey, 'install.sh', host.folder);
    const out = join(host.folder, 'release');
    mkdirSync(out);
    // Leads to the Node of this machine, which would make each archive ten times as large; `npm run release -- --dry-run` has the real one.
    const node = join(host.folder, 'node');
    writeFileSync(node, `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, { mode: 0o755 });
    const archive = await makeArchive({ packs, out, node, level: 1 });
    // The latest is what was published last.
    site.publish(NO_DAEMON, [await asVersion(archive, NO_DAEMON, breakDaemon)]);
    site.publish(GOOD, [await asVersion(archive, GOOD)]);
    site.publish(version, [archive]);
    expect(await script()).toMatchObject({ exitCode: 0 });
    site.publish(GOOD, [join(out, basename(archive).replace(version, GOOD))]);
    expect((await omg('serve', '-d')).exitCode).toBe(0);
  });
  afterAll(async () => {
    if (existsSync(join(prefix(), 'bin', 'omg'))) await omg('serve', 'stop');
    await site.close();
    await host.dispose();
  });

  test('a cut download changes nothing', async () => {
    site.fault = 'cut';
    const { exitCode, stderr } = await omg('update');
    site.fault = 'corrupt';
    const corrupt = await omg('update');
    site.fault = 'none';
    expect({ exitCode, stderr }).toEqual({ exitCode: 5, stderr: expect.stringContaining('could not be fetched') });
    expect(corrupt.stderr).toContain('does not match its checksum');
    expect(versions()).toEqual([version]);
  });

  test('an update that is not signed, or is an old release under a new name, changes nothing', async () => {
    const [list, signature] = [`v${GOOD}/SHA256SUMS`, `v${GOOD}/SHA256SUMS.sig`];
    for (const [sums, signed] of [
      [site.file(list), undefined],
      [site.file(list), signatureOf(site.file(list), makeSigningKey())],
      [site.file(`v${version}/SHA256SUMS`), site.file(`v${version}/SHA256SUMS.sig`)],
    ] as const) {
      const undo = [site.replace(list, sums), site.replace(signature, signed)];
      const { exitCode, stderr } = await omg('update', '--to', GOOD);
      for (const restore of undo) restore();
      expect({ exitCode, stderr }).toEqual({
        exitCode: 5,
        stderr: expect.stringMatching(/no signature|is not signed|the list of/),
      });
      expect(versions()).toEqual([version]);
    }
  });

  test('an update keeps the version before and changes the daemon', async () => {
    const { exitCode, stderr } = await omg('update');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining(`to ${GOOD}`) });
    expect((await omg('--version')).stdout).toBe(`${GOOD}\n`);
    expect(versions()).toEqual([version, GOOD].sort());
    expect(await daemonVersion(host)).toBe(GOOD);
    expect(await answer(host)).toContain('Paris');
  });

  test('a version whose daemon does not start is taken back', async () => {
    const { exitCode, stderr } = await omg('update', '--to', NO_DAEMON);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('is back in its place') });
    expect(realpathSync(join(prefix(), 'bin', 'omg'))).toContain(GOOD);
    expect(versions()).toEqual([version, GOOD].sort());
    expect(await daemonVersion(host)).toBe(GOOD);
  });

  test('the script changes the version under a daemon, which goes on with its own', async () => {
    const { exitCode, stderr } = await script('--version', version);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining('goes on with the version') });
    expect((await omg('--version')).stdout).toBe(`${version}\n`);
    expect(await daemonVersion(host)).toBe(GOOD);
    // Out of memory first, so that the old version has to start a process of its own for it.
    expect((await omg('stop', 'demo')).exitCode).toBe(0);
    expect(await answer(host)).toContain('Paris');
  });

  test('uninstalling stops the daemon and leaves nothing but models', async () => {
    mkdirSync(join(host.omgHome, 'models'), { recursive: true });
    writeFileSync(join(host.omgHome, 'models', 'kept'), '');
    expect(await script('--uninstall')).toMatchObject({ exitCode: 0 });
    expect(host.leftInHome().filter((path) => !path.startsWith('.npm'))).toEqual([
      join('.config', 'ohmygpu', 'models', 'kept'),
    ]);
    await expect(fetch(`${host.url}/health`)).rejects.toThrow();
  });
});
