import { join } from 'node:path';
import type { Scope, Service, ServiceSpec } from './service.ts';

const TASK = 'ohmygpu';

/**
 * A task of the Task Scheduler: Node cannot be a Windows service without a wrapper, and a task restarts and starts at boot as well. The
 * file is what the task was made from.
 */
export function windowsTask(spec: ServiceSpec, scope: Scope, home: string): Service {
  const file = join(home, 'service.xml');
  return {
    manager: 'Task Scheduler',
    scope,
    file,
    text: xml(spec, scope),
    enable: [
      ['schtasks', '/Create', '/F', '/TN', TASK, '/XML', file],
      ['schtasks', '/Run', '/TN', TASK],
    ],
    disable: [
      ['schtasks', '/End', '/TN', TASK],
      ['schtasks', '/Delete', '/F', '/TN', TASK],
    ],
    restart: ['schtasks', '/Run', '/TN', TASK],
    // schtasks answers in the language of the system, PowerShell with the name of a constant.
    ask: [
      'powershell.exe',
      ...['-NoProfile', '-NonInteractive', '-Command'],
      `(Get-ScheduledTask -TaskName ${TASK} -ErrorAction Stop).State.ToString()`,
    ],
    read: ({ exitCode, stdout }) => ({ isActive: exitCode === 0 && stdout.trim() === 'Running', pid: undefined }),
    logs: 'omg logs -f',
  };
}

function xml(spec: ServiceSpec, scope: Scope): string {
  const [program = '', ...rest] = spec.command;
  const variables = { ...spec.environment, ...(spec.home === undefined ? {} : { OMG_HOME: spec.home }) };
  const assignments = Object.entries(variables).map(([name, value]) => `set "${name}=${value}" && `);
  const line = [program, ...rest].map((text) => (/[\s"]/.test(text) ? `"${text}"` : text)).join(' ');
  const trigger =
    scope === 'user'
      ? '<LogonTrigger><Enabled>true</Enabled></LogonTrigger>'
      : '<BootTrigger><Enabled>true</Enabled></BootTrigger>';
  // S-1-5-19 is LocalService, an account with few rights.
  const principal =
    scope === 'user'
      ? '<LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel>'
      : '<UserId>S-1-5-19</UserId><RunLevel>LeastPrivilege</RunLevel>';
  return `${[
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">',
    '  <RegistrationInfo><Description>omg, a local AI server</Description></RegistrationInfo>',
    `  <Triggers>${trigger}</Triggers>`,
    `  <Principals><Principal id="Author">${principal}</Principal></Principals>`,
    '  <Settings>',
    '    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>',
    '    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>',
    '    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>',
    '    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>',
    '    <Hidden>true</Hidden>',
    '    <RestartOnFailure><Interval>PT1M</Interval><Count>5</Count></RestartOnFailure>',
    '  </Settings>',
    '  <Actions Context="Author">',
    '    <Exec>',
    '      <Command>cmd.exe</Command>',
    `      <Arguments>${escaped(`/d /s /c "${assignments.join('')}${line}"`)}</Arguments>`,
    '    </Exec>',
    '  </Actions>',
    '</Task>',
  ].join('\r\n')}\r\n`;
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
