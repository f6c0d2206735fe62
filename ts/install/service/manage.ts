import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import type { Config, Installation } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { lastingCommand } from '../lasting-command.ts';
import { launchdService } from './launchd.ts';
import type { Scope, Service, ServiceSpec, ServiceState } from './service.ts';
import { systemdService } from './systemd.ts';
import { windowsTask } from './windows-task.ts';

/** Over the daemon's own patience with answers and then with connections. */
const STOP_GRACE_SECONDS = 20;
const COMMAND_MS = 60_000;

/** What this installation would run as a service. Settings come from the configuration file of the home folder. */
export function serviceSpec(config: Config, from: Installation): ServiceSpec {
  const home = config.sources.home === 'default' ? undefined : config.paths.home;
  return {
    command: [...lastingCommand(from), 'serve'],
    home,
    environment: {},
    userHome: homedir(),
    stopSeconds: Math.ceil(config.settings['server.drain_timeout'] / 1000) + STOP_GRACE_SECONDS,
  };
}

/** The service for the manager of this system. Throws `unsupported` where there is none. */
export function serviceFor(spec: ServiceSpec, scope: Scope, home: string): Service {
  switch (process.platform) {
    case 'linux':
      return systemdService(spec, scope);
    case 'darwin':
      return launchdService(spec, scope, process.getuid?.() ?? 0);
    case 'win32':
      return windowsTask(spec, scope, home);
    default:
      throw new OmgError('unsupported', `There is no service manager for ${process.platform} here.`, {
        hint: 'Let yours run `omg serve`.',
      });
  }
}

/** Writes the definition and starts the service; one that is there already is replaced. */
export async function installService(service: Service): Promise<void> {
  if (service.refusal !== undefined) throw service.refusal;
  if (existsSync(service.file) && service.manager === 'launchd')
    for (const command of service.disable) await run(command);
  await mkdir(dirname(service.file), { recursive: true }).catch(rethrow(service));
  const staged = `${service.file}.${process.pid}.tmp`;
  try {
    await writeFile(staged, service.text);
    await chmod(staged, 0o644);
    await rename(staged, service.file);
  } catch (error) {
    rethrow(service)(error);
  } finally {
    await rm(staged, { force: true });
  }
  for (const command of service.enable) {
    const { exitCode, text } = await run(command);
    if (exitCode === 0) continue;
    await uninstallService(service);
    throw refused(service, command, text);
  }
}

/** Stops the service and removes its definition. False where there was none. */
export async function uninstallService(service: Service): Promise<boolean> {
  if (!existsSync(service.file)) return false;
  for (const command of service.disable) await run(command);
  await rm(service.file).catch(rethrow(service));
  if (service.manager === 'systemd') await run([...service.restart.slice(0, -2), 'daemon-reload']);
  return true;
}

export async function serviceState(service: Service): Promise<ServiceState> {
  const isInstalled = existsSync(service.file);
  if (!isInstalled) return { isInstalled, isActive: false, pid: undefined };
  const { exitCode, stdout } = await run(service.ask);
  return { isInstalled, ...service.read({ exitCode, stdout }) };
}

export async function restartService(service: Service): Promise<void> {
  const { exitCode, text } = await run(service.restart);
  if (exitCode !== 0) throw refused(service, service.restart, text);
}

function rethrow(service: Service): (error: unknown) => never {
  return (error) => {
    throw new OmgError(
      'permission_denied',
      `${service.file} cannot be written (${(error as NodeJS.ErrnoException).code}).`,
      {
        hint: service.scope === 'system' ? 'Run it with sudo, or without --system.' : undefined,
        cause: error,
      },
    );
  };
}

function refused(service: Service, command: string[], text: string): OmgError {
  const last = text.trim().split('\n').at(-1) ?? '';
  return new OmgError(
    'unsupported',
    `${service.manager} refuses: \`${command.join(' ')}\` said ${last || 'nothing'}.`,
    {
      hint:
        service.manager === 'systemd' ? 'Is systemd running here? Otherwise start `omg serve -d` yourself.' : undefined,
    },
  );
}

function run([command = '', ...args]: string[]): Promise<{ exitCode: number; stdout: string; text: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: COMMAND_MS, windowsHide: true }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
      resolve({ exitCode, stdout, text: stderr || stdout || (error?.message ?? '') });
    });
  });
}
