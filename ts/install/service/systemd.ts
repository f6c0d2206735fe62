import { join } from 'node:path';
import { OmgError } from '../../errors/index.ts';
import type { Scope, Service, ServiceSpec } from './service.ts';

const UNIT = 'ohmygpu.service';

/** A unit of the person's manager, or of the machine's. */
export function systemdService(spec: ServiceSpec, scope: Scope): Service {
  const systemctl = scope === 'user' ? ['systemctl', '--user'] : ['systemctl'];
  return {
    manager: 'systemd',
    scope,
    file:
      scope === 'user' ? join(spec.userHome, '.config', 'systemd', 'user', UNIT) : join('/etc/systemd/system', UNIT),
    text: scope === 'user' ? userUnit(spec) : systemUnit(spec),
    enable: [
      [...systemctl, 'daemon-reload'],
      [...systemctl, 'enable', UNIT],
      [...systemctl, 'restart', UNIT],
    ],
    disable: [[...systemctl, 'disable', '--now', UNIT]],
    restart: [...systemctl, 'restart', UNIT],
    ask: [...systemctl, 'show', UNIT, '--property=ActiveState,MainPID'],
    read: ({ stdout }) => ({
      isActive: /^ActiveState=(?:active|activating|reloading)$/m.test(stdout),
      pid: positive(/^MainPID=(\d+)$/m.exec(stdout)?.[1]),
    }),
    logs: scope === 'user' ? 'journalctl --user -u ohmygpu -f' : 'journalctl -u ohmygpu -f',
    ...(scope === 'user'
      ? { note: 'It starts when you log in. For a start at boot: loginctl enable-linger' }
      : refusal(spec)),
  };
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return value > 0 ? value : undefined;
}

/** Restarts after a crash and not after a stop; a daemon that cannot start is not started forever. */
function unit(spec: ServiceSpec, service: string[], target: string): string {
  const environment = { ...spec.environment, ...(spec.home === undefined ? {} : { OMG_HOME: spec.home }) };
  return `${[
    '[Unit]',
    'Description=omg, a local AI server',
    'Documentation=https://github.com/ohmygpu/ohmygpu',
    'After=network-online.target',
    'Wants=network-online.target',
    'StartLimitIntervalSec=300',
    'StartLimitBurst=5',
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${spec.command.map(quoted).join(' ')}`,
    ...Object.entries(environment).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    'Restart=on-failure',
    'RestartSec=3',
    // The daemon ends its runners itself; what is left of them after that is killed.
    'KillMode=mixed',
    `TimeoutStopSec=${spec.stopSeconds}`,
    'LimitNOFILE=65536',
    'OOMPolicy=continue',
    ...service,
    '',
    '[Install]',
    `WantedBy=${target}`,
  ].join('\n')}\n`;
}

/** What needs no rights beyond those of a person's own manager. V8 writes code at run time, so memory may be made executable. */
const SANDBOX = [
  'NoNewPrivileges=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'RestrictRealtime=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  'SystemCallArchitectures=native',
  'UMask=0077',
];

function userUnit(spec: ServiceSpec): string {
  return unit(spec, SANDBOX, 'default.target');
}

/** Why the manager could not run it. */
function refusal(spec: ServiceSpec): { refusal?: OmgError } {
  const hidden = spec.command.find((word) => /^\/(?:home|root|run\/user)\//.test(word));
  if (hidden === undefined) return {};
  return {
    refusal: new OmgError('unsupported', `The service of the machine sees no home folders, and ${hidden} is in one.`, {
      hint: 'Install omg for the machine (install.sh as root, or npm of the system), or leave --system out.',
    }),
  };
}

/** A user of its own that exists while it runs, a folder of its own, and the devices of GPUs. */
function systemUnit(spec: ServiceSpec): string {
  const service = [
    'DynamicUser=yes',
    'User=ohmygpu',
    'StateDirectory=ohmygpu',
    'StateDirectoryMode=0750',
    'SupplementaryGroups=-video -render',
    'WorkingDirectory=%S/ohmygpu',
    'ProtectSystem=strict',
    'ProtectHome=yes',
    'ProtectKernelTunables=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelLogs=yes',
    'ProtectControlGroups=yes',
    'ProtectClock=yes',
    'ProtectHostname=yes',
    'ProtectProc=invisible',
    'PrivateTmp=yes',
    'RestrictNamespaces=yes',
    'CapabilityBoundingSet=',
    'SystemCallFilter=@system-service',
    'SystemCallErrorNumber=EPERM',
    ...SANDBOX,
  ];
  return unit({ ...spec, home: spec.home ?? '%S/ohmygpu' }, service, 'multi-user.target');
}

/** As systemd.syntax(7) has it; a percent sign would begin a specifier, which only ours do. */
function quoted(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return `"${text.replace(/["\\]/g, '\\$&').replace(/\$/g, '$$$$')}"`;
}
