import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeSigningKey, signatureOf } from '../../../scripts/release/signing.ts';
import { ReleasesSite } from '../../../scripts/release/site.ts';
import { installerTrusting, scriptWithKeys } from '../../../scripts/release/trust.ts';
import { archiveName, TARGETS } from '../../../scripts/targets.ts';
import { thisTarget } from '../../engine/index.ts';
import { compareVersions } from '../../install/index.ts';
import { type Finished, ROOT } from './omg.ts';

// install.sh against a site on this machine. The archives are small: a launcher that says its version is all that it looks at. The
// real archive goes through it in `npm run release -- --dry-run`.

const SHELLS = [['sh'], ['bash', '--posix'], ['dash'], ['busybox', 'sh']];
const available = SHELLS.filter(([command = '', ...args]) => spawnSync(command, [...args, '-c', ':']).status === 0);
const target = thisTarget()?.name ?? '';

/** An archive whose omg claims to be `says`. */
async function archive(folder: string, version: string, says = version): Promise<string> {
  const name = archiveName(version, target);
  const top = name.replace('.tar.gz', '');
  mkdirSync(join(folder, version, top, 'bin'), { recursive: true });
  for (const launcher of ['omg', 'ohmygpu']) {
    const path = join(folder, version, top, 'bin', launcher);
    writeFileSync(path, `#!/bin/sh\n[ "$1" = --version ] && echo ${says}\n`);
    chmodSync(path, 0o755);
  }
  // Large enough that a cut falls into the middle.
  writeFileSync(join(folder, version, top, 'data'), Buffer.alloc(200_000, version));
  const file = join(folder, name);
  await create({ gzip: { level: 0 }, portable: true, cwd: join(folder, version), file }, [top]);
  return file;
}

describe.skipIf(process.platform === 'win32')('install.sh', () => {
  let site: ReleasesSite;
  let archives: string;
  let home: string;
  /** The real script with one difference: the key of the site. */
  let script: string;
  const prefix = (): string => join(home, '.local');
  const link = (): string => readlinkSync(join(prefix(), 'bin', 'omg'));

  beforeAll(async () => {
    archives = mkdtempSync(join(tmpdir(), 'omg-releases-'));
    site = await ReleasesSite.start();
    script = installerTrusting(site.key.publicKey, 'install.sh', archives);
    for (const version of ['0.1.0', '0.2.0', '0.3.0']) site.publish(version, [await archive(archives, version)]);
    site.publish('0.9.0', [await archive(archives, '0.9.0', '0.1.0')]);
    site.publish('0.4.0', [await archive(archives, '0.4.0')]);
  });
  afterAll(async () => {
    await site.close();
    rmSync(archives, { recursive: true, force: true });
  });
  beforeEach(() => {
    site.fault = 'none';
    home = mkdtempSync(join(tmpdir(), 'omg-install-'));
    return () => rmSync(home, { recursive: true, force: true });
  });

  function install(
    args: string[] = [],
    { shell = ['sh'], env = {}, file = script }: { shell?: string[]; env?: NodeJS.ProcessEnv; file?: string } = {},
  ) {
    const [command = 'sh', ...flags] = shell;
    const given = args.some((arg) => arg.startsWith('--prefix')) ? args : [...args, '--prefix', prefix()];
    const child = spawn(command, [...flags, file, ...given], {
      env: { PATH: process.env.PATH, HOME: home, SHELL: '/bin/zsh', OMG_RELEASES: site.url, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text;
      });
    }
    return new Promise<Finished>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (exitCode) => resolve({ exitCode, ...texts }));
    });
  }

  const versions = (): string[] => readdirSync(join(prefix(), 'lib', 'ohmygpu')).sort();

  test.each(available)('%s %s installs the latest, both names, and says how to set PATH', async (...shell) => {
    const { exitCode, stderr } = await install([], { shell });
    expect(stderr).toContain('Installed omg 0.4.0');
    expect(stderr).toContain('>> ~/.zshrc');
    expect(exitCode).toBe(0);
    for (const name of ['omg', 'ohmygpu']) {
      expect(spawnSync(join(prefix(), 'bin', name), ['--version'], { encoding: 'utf8' }).stdout).toBe('0.4.0\n');
    }
    expect(versions()).toEqual(['0.4.0']);
  });

  test.each(available)('%s %s: a missing, a corrupt and a cut download change nothing', async (...shell) => {
    await install(['--version', '0.1.0']);
    for (const [fault, message] of [
      ['missing', 'could not be downloaded whole'],
      ['corrupt', 'does not match its checksum'],
      ['cut', 'could not be downloaded whole'],
    ] as const) {
      site.fault = fault;
      const { exitCode, stderr } = await install(['--version', '0.2.0'], { shell });
      expect({ fault, exitCode, stderr }).toEqual({ fault, exitCode: 1, stderr: expect.stringContaining(message) });
      expect(stderr).toContain('Nothing was changed');
      expect({ link: link(), versions: versions() }).toEqual({
        link: '../lib/ohmygpu/0.1.0/bin/omg',
        versions: ['0.1.0'],
      });
    }
  });

  /** A folder with no other programs than those that the script needs, and the ones named. */
  function toolsWith(...others: string[]): string {
    const tools = join(home, 'tools');
    mkdirSync(tools);
    const needed =
      'sh uname getconf ls ldd grep mkdir rm cat head cut sed sort mv ln readlink tar gzip sha256sum fold awk';
    for (const name of [...needed.split(' '), ...others]) {
      const { stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
      if (stdout.startsWith('/')) symlinkSync(stdout.trim(), join(tools, name));
    }
    return tools;
  }

  describe('the signature', () => {
    const list = (version: string): string => `v${version}/SHA256SUMS`;
    const signature = (version: string): string => `v${version}/SHA256SUMS.sig`;

    /** What an attacker who holds the site would have to get past; the script must say why and leave everything. */
    async function refused(args: string[], message: string, shell = ['sh']): Promise<void> {
      const { exitCode, stderr } = await install(args, { shell });
      expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining(message) });
      expect(existsSync(join(prefix(), 'bin', 'omg'))).toBe(false);
      expect(existsSync(join(prefix(), 'lib', 'ohmygpu')) ? versions() : []).toEqual([]);
    }

    test.each(available)('%s %s: an archive that was changed together with its sum is refused', async (...shell) => {
      const other = createHash('sha256').update('another archive').digest('hex');
      const restore = site.replace(list('0.2.0'), String(site.file(list('0.2.0'))).replace(/^[0-9a-f]{64}/, other));
      await refused(['--version', '0.2.0'], 'is not signed', shell);
      restore();
    });

    test.each([
      ['missing', undefined, 'could not be fetched'],
      ['empty', '', 'is not signed'],
      ['no base64', '<html>', 'is not signed'],
      ['of another file', () => signatureOf('something else', site.key), 'is not signed'],
      ['of another key', () => signatureOf(site.file(list('0.2.0')), makeSigningKey()), 'is not signed'],
    ])('a signature that is %s is refused', async (_, given, message) => {
      const restore = site.replace(signature('0.2.0'), typeof given === 'function' ? given() : given);
      await refused(['--version', '0.2.0'], message);
      restore();
    });

    test('a signed older release is not taken for another, and not for the latest where a newer one is installed', async () => {
      const undo = [
        site.replace(list('0.2.0'), site.file(list('0.1.0'))),
        site.replace(signature('0.2.0'), site.file(signature('0.1.0'))),
      ];
      await refused(['--version', '0.2.0'], 'lists an archive of 0.1.0');
      for (const restore of undo) restore();

      expect((await install()).exitCode).toBe(0);
      const latest = site.replace(list('0.4.0'), site.file(list('0.3.0')));
      const { exitCode, stderr } = await install();
      latest();
      expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('To go back to it') });
      expect(versions()).toEqual(['0.4.0']);
    });

    test('without openssl nothing is installed unless the person says so', async () => {
      const tools = toolsWith('curl');
      const { exitCode, stderr } = await install([], { env: { PATH: tools } });
      expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('openssl was not found') });
      expect(stderr).toContain('--skip-signature');
      expect(existsSync(join(prefix(), 'bin', 'omg'))).toBe(false);
      const skipped = await install(['--skip-signature'], { env: { PATH: tools } });
      expect(skipped).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('warning: --skip-signature') });
    });

    test('one of several keys is enough', async () => {
      const several = [makeSigningKey().publicKey, site.key.publicKey, makeSigningKey().publicKey];
      const file = join(home, 'several.sh');
      writeFileSync(file, scriptWithKeys('install.sh', readFileSync(script, 'utf8'), several));
      expect(await install([], { file })).toMatchObject({ exitCode: 0 });
    });
  });

  test.each([
    'http://127.0.0.1:80@example.invalid',
    'http://example.invalid/releases',
    'ftp://127.0.0.1:1',
    'file:///tmp',
  ])('releases are not fetched from %j', async (address) => {
    const { exitCode, stderr } = await install([], { env: { OMG_RELEASES: address } });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining('has to begin with https://'),
    });
  });

  test.each([
    ['1.0.0', '1.0.0', false],
    ['0.9.9', '1.0.0', true],
    ['1.9.0', '1.10.0', true],
    ['1.0.0-rc.1', '1.0.0', true],
    ['1.0.0', '1.0.0-rc.1', false],
    ['1.0.0-rc.2', '1.0.0-rc.10', true],
    ['1.0.0-alpha', '1.0.0-alpha.1', true],
    ['1.0.0-alpha.1', '1.0.0-alpha.beta', true],
    ['1.0.0-beta.11', '1.0.0-beta.2', false],
    ['1.0.0+b', '1.0.0+a', false],
  ])('%s before %s: %s', (one, other, older) => {
    const text = readFileSync(script, 'utf8').replace('main "$@"', 'is_older "$1" "$2"');
    expect(spawnSync('sh', ['-s', '--', one, other], { input: text }).status).toBe(older ? 0 : 1);
    expect(compareVersions(one, other) < 0).toBe(older);
  });

  test('wget does where there is no curl', async () => {
    const tools = toolsWith('wget', 'openssl');
    const hasWget = existsSync(join(tools, 'wget'));
    const { exitCode, stderr } = await install([], { env: { PATH: tools } });
    if (hasWget) expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    else expect(stderr).toContain('Neither curl nor wget was found.');
    site.fault = 'cut';
    expect((await install(['--version', '0.2.0'], { env: { PATH: tools } })).exitCode).toBe(1);
    expect(existsSync(join(prefix(), 'lib', 'ohmygpu', '0.2.0'))).toBe(false);
  });

  test('an upgrade keeps the version before, for a daemon that runs from it, and no older one', async () => {
    for (const version of ['0.1.0', '0.2.0', '0.3.0']) expect((await install(['--version', version])).exitCode).toBe(0);
    expect(link()).toBe('../lib/ohmygpu/0.3.0/bin/omg');
    expect(versions()).toEqual(['0.2.0', '0.3.0']);
    expect((await install(['--version', 'v0.3.0'])).exitCode).toBe(0);
    expect(versions()).toEqual(['0.3.0']);
  });

  test('advice fits the shell, also where none is named', async () => {
    expect((await install([], { env: { SHELL: '/usr/bin/fish' } })).stderr).toContain('fish_add_path');
    const { exitCode, stderr } = await install([], { env: { SHELL: undefined } });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('~/.profile') });
    const path = `${join(prefix(), 'bin')}:${process.env.PATH}`;
    expect((await install([], { env: { PATH: path } })).stderr).not.toContain('not in PATH');
  });

  test('a running daemon is named', async () => {
    mkdirSync(join(home, '.config', 'ohmygpu'), { recursive: true });
    writeFileSync(join(home, '.config', 'ohmygpu', 'daemon.pid'), `${process.pid}\n`);
    expect((await install()).stderr).toContain(`The daemon (pid ${process.pid}) goes on`);
  });

  test('a version that does not exist, is none, or says to be another is refused', async () => {
    expect((await install(['--version', '7.7.7'])).stderr).toContain('The list of files could not be fetched');
    expect((await install(['--version', '../x'])).stderr).toContain('is not a version');
    expect((await install(['--version', '0.9.0'])).stderr).toContain('says that it is 0.1.0');
    expect((await install(['--nonsense'])).stderr).toContain('Unknown option --nonsense');
    expect(existsSync(join(prefix(), 'bin', 'omg'))).toBe(false);
  });

  test('an omg of somebody else is not overwritten', async () => {
    mkdirSync(join(prefix(), 'bin'), { recursive: true });
    writeFileSync(join(prefix(), 'bin', 'omg'), 'mine');
    const { exitCode, stderr } = await install();
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('does not belong') });
    expect(readFileSync(join(prefix(), 'bin', 'omg'), 'utf8')).toBe('mine');
  });

  test('a script that was cut off on its way does nothing', async () => {
    const text = readFileSync(script, 'utf8');
    const cut = join(home, 'cut.sh');
    writeFileSync(cut, text.slice(0, text.lastIndexOf('main "$@"')));
    expect(spawnSync('sh', [cut, '--prefix', prefix()], { env: { PATH: process.env.PATH, HOME: home } }).status).toBe(
      0,
    );
    expect(existsSync(prefix())).toBe(false);
  });

  test('uninstalling leaves the models and what is not its own', async () => {
    await install();
    const omgHome = join(home, '.config', 'ohmygpu');
    for (const folder of ['models', 'logs', 'chats']) mkdirSync(join(omgHome, folder), { recursive: true });
    writeFileSync(join(omgHome, 'models', 'a'), '');
    writeFileSync(join(omgHome, 'config.toml'), '');
    const { exitCode, stderr } = await install(['--uninstall']);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('Models stay in') });
    expect(readdirSync(omgHome)).toEqual(['models']);
    expect(readdirSync(join(prefix(), 'bin'))).toEqual([]);
    expect(existsSync(join(prefix(), 'lib', 'ohmygpu'))).toBe(false);
    expect((await install(['--uninstall'])).stderr).toContain('No omg of this installer was found');
  });
});

test('install.sh and install.ps1 know the archives that releases have', () => {
  const listed = /^TARGETS='(.+)'$/m.exec(readFileSync(join(ROOT, 'install.sh'), 'utf8'))?.[1]?.split(' ');
  expect(listed).toEqual(TARGETS.filter(({ os }) => os !== 'win32').map(({ name }) => name));
  const windows = readFileSync(join(ROOT, 'install.ps1'), 'utf8').match(/'win32-[\w-]+'/g);
  expect(windows).toEqual(TARGETS.filter(({ os }) => os === 'win32').map(({ name }) => `'${name}'`));
});
