import { access, constants, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';
import type { Config } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { runningDaemon } from '../daemon-process.ts';
import { formatBytes } from '../terminal/units.ts';
import { version } from '../version.ts';
import { engineFindings } from './engine-checks.ts';
import type { Finding } from './finding.ts';
import { networkFindings } from './network-checks.ts';

const LOW_DISK = 5e9;
const LOW_MEMORY = 2e9;

/** Looks at everything that keeps omg from working. Changes nothing, and never throws. */
export async function examine(config: Config): Promise<Finding[]> {
  const client = await runningDaemon(config).catch(() => undefined);
  const running = await client?.status().catch(() => undefined);
  const findings = [
    ok('node', `${process.versions.node} (${process.platform} ${process.arch})`),
    ...config.warnings.map((detail): Finding => ({ name: 'settings', status: 'warning', detail })),
    await guarded('home', () => home(config.paths.home)),
    await guarded('disk', () => disk(config.paths.models)),
    memory(),
    running === undefined ? await guarded('port', () => port(config)) : daemon(running),
    ...(await engineFindings(config.paths.backends)),
    ...(await networkFindings(config)),
  ];
  return findings;
}

async function guarded(name: string, check: () => Promise<Finding>): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    const { message, hint } = OmgError.from(error);
    return { name, status: 'failed', detail: message, ...(hint === undefined ? {} : { hint }) };
  }
}

function ok(name: string, detail: string): Finding {
  return { name, status: 'ok', detail };
}

async function home(path: string): Promise<Finding> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    const parent = await existingParent(path);
    await access(parent, constants.W_OK).catch(() => {
      throw new OmgError('permission_denied', `${path} cannot be made: no right to write to ${parent}.`, {
        hint: 'Set OMG_HOME to a folder of yours.',
      });
    });
    return ok('home', `${path} (made when it is needed)`);
  }
  if (!found.isDirectory())
    throw new OmgError('permission_denied', `${path} is not a folder.`, { hint: 'Move it away, or set OMG_HOME.' });
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK).catch(() => {
    throw new OmgError('permission_denied', `No right to read and write ${path}.`, {
      hint: 'Check its owner, or set OMG_HOME.',
    });
  });
  const isOpen = process.platform !== 'win32' && (found.mode & 0o022) !== 0;
  if (isOpen)
    return { name: 'home', status: 'warning', detail: `${path} can be written by others.`, hint: `chmod go-w ${path}` };
  return ok('home', path);
}

async function disk(models: string): Promise<Finding> {
  const path = await existingParent(models);
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  const detail = `${formatBytes(free)} free for models in ${models}`;
  return free < LOW_DISK
    ? { name: 'disk', status: 'warning', detail, hint: 'Make room (`omg gc`), or set OMG_MODELS.' }
    : ok('disk', detail);
}

async function existingParent(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((await stat(folder).catch(() => undefined)) !== undefined || dirname(folder) === folder) return folder;
  }
}

function memory(): Finding {
  const free = freemem();
  const detail = `${formatBytes(free)} free of ${formatBytes(totalmem())}`;
  return free < LOW_MEMORY
    ? { name: 'memory', status: 'warning', detail, hint: 'Only small models fit.' }
    : ok('memory', detail);
}

function daemon({ url, pid, version: theirs }: { url: string; pid?: number; version: string }): Finding {
  const detail = `runs at ${url}${pid === undefined ? '' : ` (pid ${pid})`}`;
  if (theirs === version()) return ok('daemon', detail);
  return {
    name: 'daemon',
    status: 'warning',
    detail: `${detail}, version ${theirs}; this is ${version()}.`,
    hint: 'Start it again: `omg serve stop`, `omg serve -d`.',
  };
}

async function port({ settings }: Config): Promise<Finding> {
  const [host, number] = [settings['server.host'], settings['server.port']];
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(number, host, resolve));
    return ok('daemon', `does not run; ${host}:${number} is free`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new OmgError('port_in_use', `${host}:${number} cannot be listened on (${code}).`, {
      hint: 'Stop what listens there, or choose another port: `omg config set server.port 10700`.',
    });
  } finally {
    server.close();
  }
}
