import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CleanHost, type Finished } from './clean-host.ts';
import { signatureOf } from './signing.ts';
import { ReleasesSite } from './site.ts';
import { installerTrusting } from './trust.ts';

/** `omg --version` over an empty script of the same Node. */
const COLD_START_LIMIT = 2.5;
const QUESTION = 'What is the capital of France?';

/** Tries what is about to be published on clean hosts: from a registry, and from a releases site. Throws what went wrong. */
export async function tryRelease(options: {
  packs: Record<string, string>;
  archive: string;
  version: string;
  say: (line: string) => void;
}): Promise<void> {
  const { packs, archive, version, say } = options;
  const host = await CleanHost.create();
  try {
    for (const file of Object.values(packs)) host.registry.publish(file);
    succeed('npm install', await host.npm('install', '-g', '--prefix', host.prefix, 'ohmygpu'));
    expectText('omg --version', (await host.omg('--version')).stdout, `${version}\n`);
    expectText('omg run demo', (await host.omg('run', 'demo', '--start', QUESTION)).stdout, 'Paris');
    succeed('npm uninstall', await host.npm('uninstall', '-g', '--prefix', host.prefix, 'ohmygpu'));
    say('npm: installed, chatted, uninstalled');
  } finally {
    await host.dispose();
  }
  await tryArchive(archive, version, say);
}

async function tryArchive(archive: string, version: string, say: (line: string) => void): Promise<void> {
  const host = await CleanHost.create();
  const site = await ReleasesSite.start();
  try {
    site.publish(version, [archive]);
    const { omg, node, script, bare } = installer(host, version, site.key.publicKey);
    const releases = { OMG_RELEASES: site.url };
    // Signed by somebody else, it must not get in; also where no other test runs this script.
    const restore = site.replace(`v${version}/SHA256SUMS.sig`, signatureOf('something else', site.key));
    const { exitCode, stderr, stdout } = await host.run(script.command, script.install, releases);
    if (exitCode === 0 || !`${stderr}${stdout}`.includes('is not signed')) {
      throw new Error(`${script.name} took a release that is not signed: ${stderr}`);
    }
    restore();
    succeed(script.name, await host.run(script.command, script.install, releases));
    // No Node of the machine: that of the archive has to do.
    expectText('omg --version', (await host.run(omg, ['--version'], bare)).stdout.trim(), version);
    expectText('omg run demo', (await host.run(omg, ['run', 'demo', '--start', QUESTION], bare)).stdout, 'Paris');
    const ratio = coldStartRatio(node, omg);
    say(`archive: installed, chatted; \`omg --version\` takes ${ratio.toFixed(2)} × bare Node`);
    if (ratio > COLD_START_LIMIT) throw new Error(`That is more than ${COLD_START_LIMIT} times.`);
    mkdirSync(join(host.omgHome, 'models'), { recursive: true });
    succeed(`${script.name}, to uninstall`, await host.run(script.command, script.uninstall, releases));
    const left = host.leftInHome().filter((path) => !path.startsWith(join('.config', 'ohmygpu', 'models')));
    if (left.length > 0 || existsSync(omg)) throw new Error(`Uninstalling left ${left.join(', ')}.`);
    say('archive: uninstalled, nothing but models left');
  } finally {
    await site.close();
    await host.dispose();
  }
}

/** How an archive gets onto this platform, and where it lies then. */
function installer(host: CleanHost, version: string, key: string) {
  const prefix = join(host.userHome, '.local');
  if (process.platform === 'win32') {
    const file = installerTrusting(key, 'install.ps1', host.folder);
    const command = ['-NoProfile', '-ExecutionPolicy', 'Bypass', '-File', file, '-Prefix', prefix];
    return {
      omg: join(prefix, 'bin', 'omg.cmd'),
      node: join(prefix, 'versions', version, 'runtime', 'node.exe'),
      script: { name: 'install.ps1', command: 'powershell', install: command, uninstall: [...command, '-Uninstall'] },
      bare: { PATH: join(process.env.SystemRoot ?? 'C:\\Windows', 'System32') },
    };
  }
  const command = [installerTrusting(key, 'install.sh', host.folder), '--prefix', prefix];
  return {
    omg: join(prefix, 'bin', 'omg'),
    node: join(prefix, 'lib', 'ohmygpu', version, 'runtime', 'node'),
    script: { name: 'install.sh', command: 'sh', install: command, uninstall: [...command, '--uninstall'] },
    bare: { PATH: '/usr/bin:/bin' },
  };
}

/** Time of `omg --version` over that of an empty script with the same Node; the best of some runs each, taken in turns. */
function coldStartRatio(node: string, omg: string): number {
  const best = { bare: Number.POSITIVE_INFINITY, omg: Number.POSITIVE_INFINITY };
  const timed = (command: string, args: string[]): number => {
    const start = performance.now();
    // A .cmd file is started by the shell.
    spawnSync(command, args, { stdio: 'ignore', shell: process.platform === 'win32' });
    return performance.now() - start;
  };
  for (let round = 0; round < 10; round++) {
    best.bare = Math.min(best.bare, timed(node, ['-e', '0']));
    best.omg = Math.min(best.omg, timed(omg, ['--version']));
  }
  return best.omg / best.bare;
}

function succeed(what: string, { exitCode, stderr }: Finished): void {
  if (exitCode !== 0) throw new Error(`${what} ended with ${exitCode}: ${stderr}`);
}

function expectText(what: string, text: string, wanted: string): void {
  if (!text.includes(wanted))
    throw new Error(`${what} printed ${JSON.stringify(text)} and not ${JSON.stringify(wanted)}.`);
}
