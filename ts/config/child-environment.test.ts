import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { childEnvironment } from './child-environment.ts';

const SENTINEL = 'a-value-that-must-not-be-seen';

/** Names that hold secrets or code on real machines, and some that only resemble what is allowed. */
const HOSTILE = [
  ...['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY', 'HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'],
  ...[
    'OMG_API_KEY',
    'OMG_HOME',
    'OMG_NPM_REGISTRY',
    'OPENAI_API_KEY',
    'ANTHROPIC_API_KEY',
    'NVIDIA_API_KEY',
    'NGC_CLI_API_KEY',
  ],
  ...['CUDA_REGISTRY_PASS', 'LC_SECRET', 'LC_', 'RUST_LOG_TOKEN', 'OMP_SECRET', 'XPATH', 'PATH_', 'path', 'MY_PATH'],
  ...['DB_PASS', 'GH_PAT', 'GITHUB_TOKEN', 'PGPASSWORD', 'MYSQL_PWD', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
  ...[
    'DATABASE_URL',
    'SENTRY_DSN',
    'KUBECONFIG',
    'SSH_AUTH_SOCK',
    'GPG_AGENT_INFO',
    'DBUS_SESSION_BUS_ADDRESS',
    'DOCKER_AUTH_CONFIG',
  ],
  ...[
    'NODE_OPTIONS',
    'NODE_EXTRA_CA_CERTS',
    'NODE_PATH',
    'NODE_V8_COVERAGE',
    'NODE_INSPECT_RESUME_ON_START',
    'VSCODE_INSPECTOR_OPTIONS',
  ],
  ...[
    'LD_PRELOAD',
    'LD_AUDIT',
    'DYLD_INSERT_LIBRARIES',
    'DYLD_FORCE_FLAT_NAMESPACE',
    'npm_config__auth',
    'NPM_TOKEN',
    'BASH_ENV',
    'ENV',
  ],
  ...[
    'CUDA_INJECTION64_PATH',
    'GCONV_PATH',
    'OPENSSL_CONF',
    'SSLKEYLOGFILE',
    'PYTHONPATH',
    'constructor',
    '__proto__',
    'SystemRootSecret',
  ],
];
const hostile: NodeJS.ProcessEnv = Object.fromEntries(HOSTILE.map((name) => [name, SENTINEL]));

test('a child that is started sees what is on the list and nothing else', () => {
  const good = {
    PATH: '/bin',
    HOME: '/h',
    LANG: 'C',
    LC_ALL: 'C',
    TZ: 'UTC',
    CUDA_VISIBLE_DEVICES: '0',
    RUST_BACKTRACE: '1',
  };
  const env = childEnvironment({ ...hostile, ...good, TMPDIR: undefined }, 'linux');
  const print = 'process.stdout.write(JSON.stringify(process.env))';
  const { __CF_USER_TEXT_ENCODING: _, ...seen } = JSON.parse(
    execFileSync(process.execPath, ['-e', print], {
      env: { ...env, ...(process.platform === 'win32' ? { SystemRoot: process.env.SystemRoot } : {}) },
      encoding: 'utf8',
    }),
  ) as Record<string, string>;
  expect(JSON.stringify(seen)).not.toContain(SENTINEL);
  expect(seen).toMatchObject(good);
  if (process.platform !== 'win32') expect(seen).toEqual(good);
});

test('Windows does not care for case, other systems do', () => {
  const given = { ...hostile, path: 'C:\\bin', Path: 'C:\\Windows', SYSTEMROOT: 'C:\\Windows', ComSpec: 'cmd.exe' };
  expect(childEnvironment(given, 'win32')).toEqual({
    path: 'C:\\bin',
    Path: 'C:\\Windows',
    SYSTEMROOT: 'C:\\Windows',
    ComSpec: 'cmd.exe',
  });
  expect(childEnvironment({ ...given, PATH: '/bin' }, 'linux')).toEqual({ PATH: '/bin' });
});

test('by default it is this process that is asked', () => {
  const names = Object.keys(childEnvironment());
  expect(names.map((name) => name.toUpperCase())).toContain('PATH');
  for (const name of names) expect(process.env).toHaveProperty([name]);
});
