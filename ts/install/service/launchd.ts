import { join } from 'node:path';
import type { Scope, Service, ServiceSpec } from './service.ts';

const LABEL = 'com.ohmygpu.omg';

/** A launch agent of the person, or a launch daemon of the machine. */
export function launchdService(spec: ServiceSpec, scope: Scope, uid: number): Service {
  const isUser = scope === 'user';
  const domain = isUser ? `gui/${uid}` : 'system';
  const file = isUser
    ? join(spec.userHome, 'Library', 'LaunchAgents', `${LABEL}.plist`)
    : join('/Library/LaunchDaemons', `${LABEL}.plist`);
  const log = isUser ? join(spec.userHome, 'Library', 'Logs', 'ohmygpu.log') : '/var/log/ohmygpu.log';
  return {
    manager: 'launchd',
    scope,
    file,
    text: plist(spec, log),
    enable: [
      ['launchctl', 'bootstrap', domain, file],
      ['launchctl', 'kickstart', '-k', `${domain}/${LABEL}`],
    ],
    disable: [['launchctl', 'bootout', `${domain}/${LABEL}`]],
    restart: ['launchctl', 'kickstart', '-k', `${domain}/${LABEL}`],
    ask: ['launchctl', 'print', `${domain}/${LABEL}`],
    read: ({ exitCode, stdout }) => ({
      isActive: exitCode === 0 && /^\s*state = running$/m.test(stdout),
      pid: Number(/^\s*pid = (\d+)$/m.exec(stdout)?.[1]) || undefined,
    }),
    logs: `tail -f ${log}`,
  };
}

function plist(spec: ServiceSpec, log: string): string {
  const environment = { ...spec.environment, ...(spec.home === undefined ? {} : { OMG_HOME: spec.home }) };
  const strings = spec.command.map((text) => `    <string>${escaped(text)}</string>`);
  const variables = Object.entries(environment).flatMap(([name, value]) => [
    `    <key>${escaped(name)}</key>`,
    `    <string>${escaped(value)}</string>`,
  ]);
  return `${[
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    '  <key>Label</key>',
    `  <string>${LABEL}</string>`,
    '  <key>ProgramArguments</key>',
    '  <array>',
    ...strings,
    '  </array>',
    ...(variables.length === 0 ? [] : ['  <key>EnvironmentVariables</key>', '  <dict>', ...variables, '  </dict>']),
    '  <key>RunAtLoad</key>',
    '  <true/>',
    // After a crash and not after a stop.
    '  <key>KeepAlive</key>',
    '  <dict>',
    '    <key>SuccessfulExit</key>',
    '    <false/>',
    '  </dict>',
    '  <key>ThrottleInterval</key>',
    '  <integer>10</integer>',
    '  <key>ExitTimeOut</key>',
    `  <integer>${spec.stopSeconds}</integer>`,
    '  <key>ProcessType</key>',
    '  <string>Interactive</string>',
    '  <key>SoftResourceLimits</key>',
    '  <dict>',
    '    <key>NumberOfFiles</key>',
    '    <integer>65536</integer>',
    '  </dict>',
    '  <key>Umask</key>',
    '  <integer>63</integer>',
    '  <key>StandardOutPath</key>',
    `  <string>${escaped(log)}</string>`,
    '  <key>StandardErrorPath</key>',
    `  <string>${escaped(log)}</string>`,
    '</dict>',
    '</plist>',
  ].join('\n')}\n`;
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
