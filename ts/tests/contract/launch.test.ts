import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { KeyFile } from '../../keys/index.ts';
import { json, omg } from './run-omg.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

const bin = mkdtempSync(join(tmpdir(), 'omg-launch-'));
let served: TestDaemon;

beforeAll(async () => {
  served = await testDaemon();
  await served.install('tiny');
});
afterAll(async () => {
  await served.stop();
  rmSync(bin, { recursive: true, force: true });
});
beforeEach(() => {
  vi.stubEnv('OMG_HOME', served.config.paths.home);
  vi.stubEnv('PATH', [bin, process.env.PATH].join(delimiter));
});
afterEach(() => vi.unstubAllEnvs());

interface Launched {
  environment: Record<string, string>;
  command: string[];
}

/** A program that writes down how it was started, and ends with 7. */
function install(name: string): string {
  const [script, seen] = [join(bin, `${name}.mjs`), join(bin, `${name}.json`)];
  writeFileSync(
    script,
    `import { writeFileSync } from 'node:fs';
     writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ environment: process.env, args: process.argv.slice(2) }));
     process.exit(7);`,
  );
  if (process.platform === 'win32')
    writeFileSync(join(bin, `${name}.cmd`), `@"${process.execPath}" "${script}" %*\r\n`);
  else {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return seen;
}

test('a tool is started with its variables and arguments, and its exit code is ours', async () => {
  const seen = install('claude');
  expect((await omg(['launch', 'claude', '-m', 'tiny', '--', '-p', 'what is "this"?'])).exitCode).toBe(7);
  const { environment, args } = JSON.parse(readFileSync(seen, 'utf8')) as { environment: object; args: string[] };
  expect(environment).toMatchObject({
    ANTHROPIC_BASE_URL: served.url,
    ANTHROPIC_AUTH_TOKEN: 'ohmygpu',
    ANTHROPIC_API_KEY: '',
    ANTHROPIC_MODEL: 'tiny',
    ANTHROPIC_DEFAULT_HAIKU_MODEL: 'tiny',
    OMG_HOME: served.config.paths.home,
  });
  expect(args).toEqual(['-p', 'what is "this"?']);
});

test('codex gets a provider of its own, in TOML', async () => {
  const { environment, command } = (await json(['launch', 'codex', '--print', '-m', 'tiny'])) as Launched;
  expect(environment).toEqual({});
  expect(command.filter((word) => word !== '-c')).toEqual([
    'codex',
    'model="tiny"',
    'model_provider="ohmygpu"',
    'model_providers.ohmygpu.name="ohmygpu"',
    `model_providers.ohmygpu.base_url="${served.url}/v1"`,
    'model_providers.ohmygpu.wire_api="responses"',
  ]);
});

test('opencode gets a configuration that is added to its own', async () => {
  const { environment } = (await json(['launch', 'opencode', '--print', '-m', 'tiny'])) as Launched;
  expect(JSON.parse(environment.OPENCODE_CONFIG_CONTENT ?? '')).toMatchObject({
    model: 'ohmygpu/tiny',
    provider: { ohmygpu: { options: { baseURL: `${served.url}/v1` }, models: { tiny: {} } } },
  });
});

test.each([
  ['aider', { OPENAI_API_BASE: '/v1', AIDER_MODEL: 'openai/tiny' }],
  ['goose', { OPENAI_HOST: '', GOOSE_MODEL: 'tiny' }],
  ['qwen', { OPENAI_BASE_URL: '/v1', OPENAI_MODEL: 'tiny' }],
  ['something-else', { OPENAI_BASE_URL: '/v1', ANTHROPIC_BASE_URL: '', OLLAMA_HOST: '' }],
])('%s is told where the daemon is', async (tool, expected) => {
  const { environment } = (await json(['launch', tool, '--print', '-m', 'tiny'])) as Launched;
  for (const [name, value] of Object.entries(expected)) {
    expect(environment[name]).toBe(/URL|BASE|HOST/.test(name) ? served.url + value : value);
  }
});

test('--print writes what a shell can evaluate', async () => {
  const { stdout, exitCode } = await omg(['launch', 'claude', '--print', '-m', 'tiny']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`export ANTHROPIC_BASE_URL='${served.url}'\n`);
  expect(stdout.split('\n').filter((line) => line !== '' && !/^(?:export \w+='.*'|# claude)$/.test(line))).toEqual([]);
});

test('a tool that is missing is named, with the way to get it', async () => {
  vi.stubEnv('PATH', bin);
  const { exitCode, stderr } = await omg(['launch', 'qwen', '-m', 'tiny']);
  expect(exitCode).toBe(4);
  expect(stderr).toMatch(/Qwen Code is not installed.*\n.*npm install/);
});

test('a tool is told the address that the daemon was reached at, and not the one it has itself', async () => {
  const forward = createServer((socket) => {
    const onward = connect(served.daemon.endpoint.port, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => end.destroy());
  });
  await new Promise<void>((resolve) => forward.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = forward.address() as AddressInfo;
    vi.stubEnv('OMG_PORT', String(port));
    const { environment } = (await json(['launch', 'claude', '--print', '-m', 'tiny'])) as Launched;
    expect(environment.ANTHROPIC_BASE_URL).toBe(`http://127.0.0.1:${port}`);
  } finally {
    forward.close();
  }
});

test('where several models could be meant they are listed', async () => {
  await served.install('second');
  const { exitCode, stderr } = await omg(['launch', 'claude', '--print']);
  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/--model.*tiny/)]);
});

test('a daemon that asks for a key is not met without one', async () => {
  const file = new KeyFile(served.config.paths.keysFile);
  const { secret } = await file.create({ name: 'launch', scopes: ['inference'] });
  const refused = await omg(['launch', 'codex', '--print', '-m', 'tiny']);
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('omg keys create')]);
  vi.stubEnv('OMG_API_KEY', secret);
  const { environment, command } = (await json(['launch', 'codex', '--print', '-m', 'tiny'])) as Launched;
  expect(environment).toEqual({ OMG_API_KEY: secret });
  expect(command).toContain('model_providers.ohmygpu.env_key="OMG_API_KEY"');
  await file.revoke('launch');
});
