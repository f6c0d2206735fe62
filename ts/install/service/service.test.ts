import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { launchdService } from './launchd.ts';
import { installService, restartService, serviceState, uninstallService } from './manage.ts';
import type { ServiceSpec } from './service.ts';
import { systemdService } from './systemd.ts';
import { windowsTask } from './windows-task.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'omg-service-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const spec = (changes: Partial<ServiceSpec> = {}): ServiceSpec => ({
  command: [process.execPath, '/opt/a folder/$HOME/omg.mjs', 'serve'],
  home: undefined,
  environment: {},
  userHome: folder,
  stopSeconds: 50,
  ...changes,
});

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('units', () => {
  test('say how to start, restart and stop', () => {
    const { text, file } = systemdService(spec({ home: '/data/omg "home"' }), 'user');
    expect(file).toBe(join(folder, '.config', 'systemd', 'user', 'ohmygpu.service'));
    expect(text).toContain(`ExecStart=${process.execPath} "/opt/a folder/$$HOME/omg.mjs" serve\n`);
    expect(text).toContain('Environment="OMG_HOME=/data/omg \\"home\\""\n');
    expect(text).toContain('Restart=on-failure\n');
    expect(text).toContain('TimeoutStopSec=50\n');
    expect(text).toContain('NoNewPrivileges=yes\n');
    // V8 compiles while it runs.
    expect(text).not.toContain('MemoryDenyWriteExecute');
  });

  test('that of the machine has a user, a folder and a sandbox of its own', () => {
    const { text, enable } = systemdService(spec({ command: ['/usr/local/bin/omg', 'serve'] }), 'system');
    for (const line of ['DynamicUser=yes', 'StateDirectory=ohmygpu', 'ProtectSystem=strict', 'ProtectHome=yes']) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).toContain('Environment=OMG_HOME=%S/ohmygpu\n');
    expect(enable[0]).toEqual(['systemctl', 'daemon-reload']);
  });

  test('that of the machine is not installed for a program that it could not see', async () => {
    const command = ['/usr/bin/node', ['', 'home', 'me', 'omg.mjs'].join('/'), 'serve'];
    const service = systemdService(spec({ command }), 'system');
    await expect(installService(service)).rejects.toThrow('sees no home folders');
    expect(systemdService(spec({ command }), 'user').refusal).toBeUndefined();
  });

  test.skipIf(!hasAnalyze).each(['user', 'system'] as const)('systemd accepts the unit of the %s', (scope) => {
    const file = join(folder, 'ohmygpu.service');
    writeFileSync(file, systemdService(spec({ command: ['/usr/bin/env', 'serve'] }), scope).text);
    const { stderr, stdout } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: folder },
    });
    const ours = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('ohmygpu.service'));
    expect(ours).toEqual([]);
  });

  test('what systemctl shows is read', () => {
    const { read } = systemdService(spec(), 'user');
    expect(read({ exitCode: 0, stdout: 'MainPID=42\nActiveState=active\n' })).toEqual({ isActive: true, pid: 42 });
    expect(read({ exitCode: 0, stdout: 'MainPID=0\nActiveState=failed\n' })).toEqual({
      isActive: false,
      pid: undefined,
    });
  });
});

test('the property list of launchd escapes what it holds', () => {
  const { text, read, file } = launchdService(spec({ command: ['/a&b', '<serve>'], home: '/h' }), 'user', 501);
  expect(file).toBe(join(folder, 'Library', 'LaunchAgents', 'com.ohmygpu.omg.plist'));
  expect(text).toContain('<string>/a&amp;b</string>\n    <string>&lt;serve&gt;</string>');
  expect(text).toContain('<key>OMG_HOME</key>');
  expect(text.match(/<dict>/g)?.length).toBe(text.match(/<\/dict>/g)?.length);
  expect(read({ exitCode: 0, stdout: '\tstate = running\n\tpid = 7\n' })).toEqual({ isActive: true, pid: 7 });
  expect(read({ exitCode: 113, stdout: '' })).toEqual({ isActive: false, pid: undefined });
});

test('the task of Windows escapes what it holds and names its home', () => {
  const { text, file } = windowsTask(
    spec({ command: ['C:\\a b\\node.exe', 'serve'], home: 'D:\\omg' }),
    'system',
    folder,
  );
  expect(file).toBe(join(folder, 'service.xml'));
  expect(text).toContain('set "OMG_HOME=D:\\omg" &amp;&amp; "C:\\a b\\node.exe" serve');
  expect(text).toContain('<BootTrigger>');
});

test.each([
  [0, 'Running\r\n', true],
  [0, 'Ready\r\n', false],
  [1, '', false],
])('a task that ends with %i and %j', (exitCode, stdout, isActive) => {
  const { read } = windowsTask(spec(), 'user', folder);
  expect(read({ exitCode, stdout })).toEqual({ isActive, pid: undefined });
});

describe.skipIf(process.platform === 'win32')('with a systemctl that keeps its state in a file', () => {
  const calls = (): string[] => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');

  /** `failing`: the word at which it refuses. */
  function standIn(failing = 'nothing'): void {
    const bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(
      join(bin, 'systemctl'),
      `#!/bin/sh
echo "$*" >> '${folder}/calls'
case "$*" in
  *${failing}*) echo 'Failed to connect to bus' >&2; exit 1 ;;
  *show*) printf 'ActiveState=active\\nMainPID=77\\n' ;;
esac
`,
    );
    chmodSync(join(bin, 'systemctl'), 0o755);
    vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
  }

  test('it is installed, seen, restarted and uninstalled', async () => {
    standIn();
    const service = systemdService(spec(), 'user');
    expect(await serviceState(service)).toEqual({ isInstalled: false, isActive: false, pid: undefined });
    await installService(service);
    expect(readFileSync(service.file, 'utf8')).toBe(service.text);
    expect(await serviceState(service)).toEqual({ isInstalled: true, isActive: true, pid: 77 });
    await restartService(service);
    expect(await uninstallService(service)).toBe(true);
    expect(existsSync(service.file)).toBe(false);
    expect(await uninstallService(service)).toBe(false);
    expect(calls()).toEqual([
      '--user daemon-reload',
      '--user enable ohmygpu.service',
      '--user restart ohmygpu.service',
      '--user show ohmygpu.service --property=ActiveState,MainPID',
      '--user restart ohmygpu.service',
      '--user disable --now ohmygpu.service',
      '--user daemon-reload',
    ]);
  });

  test('where systemd does not run nothing is left behind', async () => {
    standIn('enable');
    const service = systemdService(spec(), 'user');
    await expect(installService(service)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('Failed to connect to bus'),
    });
    expect(existsSync(service.file)).toBe(false);
  });
});
