import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CleanHost, type Finished } from './clean-host.ts';
import { ReleasesSite } from './site.ts';

const ROOT = join(import.meta.dirname, '..', '..');
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
  if (process.platform !== 'win32') await tryArchive(archive, version, say);
}

async function tryArchive(archive: string, version: string, say: (line: string) => void): Promise<void> {
  const host = await CleanHost.create();
  const site = await ReleasesSite.start();
  try {
    site.publish(version, [archive]);
    const prefix = join(host.userHome, '.local');
    const omg = join(prefix, 'bin', 'omg');
    const script = (...args: string[]): Promise<Finished> =>
      host.run('sh', [join(ROOT, 'install.sh'), '--prefix', prefix, ...args], { OMG_RELEASES: site.url });
    succeed('install.sh', await script());
    // No Node of the machine: that of the archive has to do.
    const bare = { PATH: '/usr/bin:/bin' };
    expectText('omg --version', (await host.run(omg, ['--version'], bare)).stdout, `${version}\n`);
    expectText('omg run demo', (await host.run(omg, ['run', 'demo', '--start', QUESTION], bare)).stdout, 'Paris');
    const ratio = coldStartRatio(prefix, version);
    say(`archive: installed, chatted; \`omg --version\` takes ${ratio.toFixed(2)} × bare Node`);
    if (ratio > COLD_START_LIMIT) throw new Error(`That is more than ${COLD_START_LIMIT} times.`);
    mkdirSync(join(host.omgHome, 'models'), { recursive: true });
    succeed('install.sh --uninstall', await script('--uninstall'));
    const left = host.leftInHome().filter((path) => !path.startsWith(join('.config', 'ohmygpu', 'models')));
    if (left.length > 0 || existsSync(omg)) throw new Error(`Uninstalling left ${left.join(', ')}.`);
    say('archive: uninstalled, nothing but models left');
  } finally {
    await site.close();
    await host.dispose();
  }
}

/** Time of `omg --version` over that of an empty script with the same Node; the best of some runs each, taken in turns. */
function coldStartRatio(prefix: string, version: string): number {
  const node = join(prefix, 'lib', 'ohmygpu', version, 'runtime', 'node');
  const best = { bare: Number.POSITIVE_INFINITY, omg: Number.POSITIVE_INFINITY };
  const timed = (command: string, args: string[]): number => {
    const start = performance.now();
    spawnSync(command, args, { stdio: 'ignore' });
    return performance.now() - start;
  };
  for (let round = 0; round < 10; round++) {
    best.bare = Math.min(best.bare, timed(node, ['-e', '']));
    best.omg = Math.min(best.omg, timed(join(prefix, 'bin', 'omg'), ['--version']));
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
