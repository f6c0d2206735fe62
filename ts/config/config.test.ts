import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  formatDuration,
  loadConfig,
  parseGoDuration,
  SETTINGS,
  type SettingKey,
  sourceOf,
  specOf,
  writeSettings,
} from './index.ts';
import { resolvePaths } from './paths.ts';

let home: string;
let file: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'omg-config-'));
  file = join(home, 'config.toml');
});
afterEach(() => rm(home, { recursive: true, force: true }));

const load = (env: Record<string, string> = {}, flags = {}, cwd = home) =>
  loadConfig({ env: { OMG_HOME: home, ...env }, flags, cwd });

test('a flag wins over OMG_*, over the project, over the user file, over the default', async () => {
  expect((await load()).settings['models.keep_alive']).toBe(300_000);
  await writeFile(file, '[models]\nkeep_alive = "1m"\n');
  expect((await load()).settings['models.keep_alive']).toBe(60_000);
  const project = join(home, 'project', 'deep');
  await mkdir(join(home, 'project', '.omg'), { recursive: true });
  await mkdir(project);
  await writeFile(join(home, 'project', '.omg', 'config.toml'), 'models.keep_alive = "2m"\n');
  expect((await load({}, {}, project)).settings['models.keep_alive']).toBe(120_000);
  const config = await load({ OMG_KEEP_ALIVE: '3m', OLLAMA_KEEP_ALIVE: '9m' }, {}, project);
  expect([config.settings['models.keep_alive'], config.sources['models.keep_alive']]).toEqual([180_000, 'environment']);
  expect(
    (await load({ OMG_KEEP_ALIVE: '3m' }, { 'models.keep_alive': '4m' }, project)).settings['models.keep_alive'],
  ).toBe(240_000);
});

test('Ollama variables are fallbacks, trimmed of quotes, and never keep the daemon from starting', async () => {
  const config = await load({
    OLLAMA_KEEP_ALIVE: ' "600" ',
    OLLAMA_MAX_QUEUE: 'lots',
    OLLAMA_ORIGINS: 'a.test',
    OMG_ORIGINS: 'b.test, c.test',
    OLLAMA_HOST: '0.0.0.0:1',
  });
  expect(config.settings).toMatchObject({
    'models.keep_alive': 600_000,
    'models.max_queue': 512,
    'server.host': '127.0.0.1',
    'server.port': 10692,
  });
  expect(config.settings['server.origins']).toEqual(['b.test', 'c.test', 'a.test']);
  expect(config.warnings.join()).toContain('OLLAMA_MAX_QUEUE');
  expect((await load({ OLLAMA_KV_CACHE_TYPE: 'q8_0' })).warnings.join()).toContain('q8_0');
  await expect(load({ OMG_MAX_QUEUE: 'lots' })).rejects.toMatchObject({ code: 'invalid_config' });
});

test('OMG_HOST takes a port along; an explicit port wins', async () => {
  expect((await load({ OMG_HOST: '0.0.0.0:99' })).settings).toMatchObject({
    'server.host': '0.0.0.0',
    'server.port': 99,
  });
  expect((await load({ OMG_HOST: 'http://box:99', OMG_PORT: '98' })).settings).toMatchObject({
    'server.host': 'box',
    'server.port': 98,
  });
  expect((await load({ OMG_HOST: '[::1]:99' })).settings).toMatchObject({ 'server.host': '::1', 'server.port': 99 });
  expect((await load({ OMG_HOST: '::1' })).settings['server.host']).toBe('::1');
});

test.each([
  ['[models]\n\nkeepalive = "1m"\n', ':3: unknown key "models.keepalive"', 'models.keep_alive'],
  ['[server]\nport = "many"\n', ':2: server.port must be a whole number', undefined],
  ['[server\n', ':1: ', undefined],
  ['[models]\nkeep_alive = "300"\n', 'must be a duration', undefined],
])('%j names file and line', async (text, message, hint) => {
  await writeFile(file, text);
  const error = await load().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'invalid_config', message: expect.stringContaining(message) });
  expect(error).toMatchObject({ message: expect.stringContaining(file) });
  if (hint !== undefined) expect(error).toMatchObject({ hint: expect.stringContaining(hint) });
});

describe('project files', () => {
  let folder: string;
  let projectFile: string;
  beforeEach(async () => {
    folder = join(home, 'project');
    projectFile = join(folder, '.omg', 'config.toml');
    await mkdir(join(folder, '.omg'), { recursive: true, mode: 0o755 });
    await writeProject('models.keep_alive = "2m"\n');
  });

  async function writeProject(text: string): Promise<void> {
    await writeFile(projectFile, text);
    await chmod(projectFile, 0o644);
  }
  /** Of the whole product, or else the reason why the file was passed over. */
  async function seen(cwd = folder): Promise<unknown> {
    const config = await load({}, {}, cwd);
    return config.sources['models.keep_alive'] === 'project' ? 'taken' : config.warnings;
  }

  test('may set what their table says, and nothing else', async () => {
    for (const key of Object.keys(SETTINGS) as SettingKey[]) {
      const spec = specOf(key);
      if (spec.file === false) continue;
      const value = { url: 'http://evil.test', integer: 1, duration: '1s', boolean: true, list: ['x'] }[
        spec.kind as string
      ];
      const written = value ?? (spec.kind === 'choice' ? spec.of[0] : key === 'models.device' ? 'cpu' : 'f16');
      await writeProject(`${key} = ${JSON.stringify(written)}\n`);
      const config = await load({}, {}, folder);
      const isAllowed = /^(?:api|compat)\.|^log\.(?!file$)|^models\.(?!(?:dir|auto_download)$)/.test(key);
      expect([key, config.sources[key]]).toEqual([key, isAllowed ? 'project' : 'default']);
      if (isAllowed) expect(config.warnings).toEqual([]);
      else expect(config.warnings).toEqual([expect.stringContaining(`${key} can only be set in the user`)]);
    }
  });

  test('are no pipes, folders, or files without end', async () => {
    expect(await seen()).toBe('taken');
    await writeProject(`# ${'x'.repeat(100_000)}\nmodels.keep_alive = "2m"\n`);
    expect(await seen()).toEqual([expect.stringContaining('larger than')]);
    await rm(projectFile);
    await mkdir(projectFile);
    expect(await seen()).toEqual([expect.stringContaining('no regular file')]);
    if (process.platform === 'win32') return;
    await rm(projectFile, { recursive: true });
    execFileSync('mkfifo', [projectFile]);
    expect(await seen()).toEqual([expect.stringContaining('no regular file')]);
  });

  test.skipIf(process.platform === 'win32')(
    'that others can write to are passed over, and so is what lies above',
    async () => {
      const deep = join(folder, 'deep');
      await mkdir(join(deep, '.omg'), { recursive: true });
      const deepFile = join(deep, '.omg', 'config.toml');
      await writeFile(deepFile, 'models.keep_alive = "3m"\n');
      for (const [path, mode, sane] of [
        [deepFile, 0o664, 0o644],
        [deepFile, 0o646, 0o644],
        [join(deep, '.omg'), 0o777, 0o755],
        [join(deep, '.omg'), 0o775, 0o755],
      ] as const) {
        await chmod(deepFile, 0o644);
        await chmod(join(deep, '.omg'), 0o755);
        expect(await seen(deep)).toBe('taken');
        await chmod(path, mode);
        expect(await seen(deep)).toEqual([
          expect.stringMatching(/others can write to.*`chmod go-w '.*\.omg.*'`.*ignored/),
        ]);
        await chmod(path, sane);
      }
    },
  );

  test.skipIf(process.getuid?.() !== 0)('of another account are passed over', async () => {
    for (const path of [projectFile, join(folder, '.omg')]) {
      await chown(path, 4242, 4242);
      expect(await seen()).toEqual([expect.stringContaining('another account')]);
      await chown(path, 0, 0);
    }
    expect(await seen()).toBe('taken');
  });

  test('are not looked for above the home of the user', async () => {
    const userHome = join(folder, 'people', 'me');
    await mkdir(join(userHome, 'work'), { recursive: true });
    expect(await seen(join(userHome, 'work'))).toBe('taken');
    vi.stubEnv('HOME', userHome);
    vi.stubEnv('USERPROFILE', userHome);
    expect(await seen(join(userHome, 'work'))).toEqual([]);
    vi.unstubAllEnvs();
  });
});

test('writing keeps comments and other keys, checks everything first, and is for the owner only', async () => {
  await writeFile(file, '# mine\n[server] # where\nport = 1 # old\norigins = [\n  "a",\n]\n\n[log]\nlevel = "info"\n');
  await writeSettings(file, {
    'server.port': '2',
    'server.origins': ['x#y', 'z'],
    'models.keep_alive': '10m',
    'log.level': null,
    'hub.token': 'hf_x',
  });
  expect(await readFile(file, 'utf8')).toBe(
    '# mine\n[server] # where\nport = 2 # old\norigins = ["x#y","z"]\n\n[models]\nkeep_alive = "10m"\n\n[hub]\ntoken = "hf_x"\n',
  );
  expect((await load()).settings).toMatchObject({
    'server.port': 2,
    'server.origins': ['x#y', 'z'],
    'hub.token': 'hf_x',
  });
  if (process.platform !== 'win32') expect((await stat(file)).mode & 0o777).toBe(0o600);
  const before = await readFile(file, 'utf8');
  await expect(writeSettings(file, { 'server.port': 5, 'server.prot': 1 })).rejects.toMatchObject({
    code: 'invalid_config',
  });
  await expect(writeSettings(file, { home: 'x' })).rejects.toMatchObject({ code: 'invalid_config' });
  expect(await readFile(file, 'utf8')).toBe(before);
});

test.each([
  ['[log]\nlevel = "info"\n', ''],
  ['# mine\n\n[log]\n\nlevel = "info"\n\n', '# mine\n'],
  [
    '[server]\nport = 1\n\n[log]\nlevel = "info"\n\n[models]\nmax_queue = 3\n',
    '[server]\nport = 1\n\n[models]\nmax_queue = 3\n',
  ],
  ['[log]\nlevel = "info"\n[models]\nmax_queue = 3\n', '[models]\nmax_queue = 3\n'],
  ['[log]\nlevel = "info"\ndebug = true\n', '[log]\ndebug = true\n'],
  ['[log]\n# why\nlevel = "info"\n', '[log]\n# why\n'],
  ['[log] # mine\nlevel = "info"\n', '[log] # mine\n'],
  ['log.level = "info"\n', ''],
])('a table goes with its last key: %j', async (before, after) => {
  await writeFile(file, before);
  await writeSettings(file, { 'log.level': null });
  expect(await readFile(file, 'utf8')).toBe(after);
  await writeSettings(file, { 'log.level': 'debug' });
  await writeSettings(file, { 'log.level': null });
  expect(await readFile(file, 'utf8')).toBe(after);
});

test.each([
  ['300ms', 300],
  ['1.5h', 5_400_000],
  ['2h45m', 9_900_000],
  ['-1m', -60_000],
  ['0', 0],
  ['1h0.5s', 3_600_500],
  ['300', undefined],
  ['', undefined],
  ['5 m', undefined],
  ['m', undefined],
])('the Go duration %j is %s ms', (text, ms) => {
  expect(parseGoDuration(text)).toBe(ms);
});

test.each([0, 1, 1500, 300_000, 5_400_000, 90_061_007])('%i ms survives the way through its text', (ms) => {
  expect(parseGoDuration(formatDuration(ms))).toBe(ms);
});

test('paths: the home folder on each system, a short socket for a long home, a named pipe on Windows', () => {
  const base = {
    home: '/h',
    appdata: '',
    modelsDir: '',
    socket: '',
    huggingFaceHome: '',
    huggingFaceCache: '',
    huggingFaceToken: '',
    ollamaModels: '',
  };
  expect(resolvePaths({ ...base, platform: 'linux' })).toMatchObject({
    models: '/h/models',
    pidFile: '/h/daemon.pid',
    socket: '/h/daemon.sock',
  });
  expect(resolvePaths({ ...base, huggingFaceHome: '/hf', ollamaModels: '/o' })).toMatchObject({
    huggingFaceCache: '/hf/hub',
    huggingFaceToken: '/hf/token',
    ollamaModels: '/o',
  });
  expect(resolvePaths({ ...base, socket: 'off', platform: 'linux' }).socket).toBeUndefined();
  const long = resolvePaths({ ...base, home: `/${'x'.repeat(120)}`, platform: 'linux' }).socket ?? '';
  expect(long.length).toBeLessThan(104);
  expect(resolvePaths({ ...base, platform: 'win32' }).socket).toMatch(/^\\\\\.\\pipe\\ohmygpu-/);
  expect(resolvePaths({ ...base, home: '', appdata: '/roaming', platform: 'win32' }).home).toBe(
    join('/roaming', 'ohmygpu'),
  );
});

test('a text that only begins like a duration is found out at once', () => {
  const startedAt = performance.now();
  for (const text of ['1'.repeat(200_000), `${'1.'.repeat(100_000)}`, '1h'.repeat(100_000), `${'1'.repeat(90)}x`])
    expect(parseGoDuration(text)).toBeUndefined();
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  expect([parseGoDuration('1.5h'), parseGoDuration('1.h'), parseGoDuration('.5s')]).toEqual([
    5_400_000, 3_600_000, 500,
  ]);
});

test('changes made at once are all written', async () => {
  const changes = [
    { 'log.level': 'debug' },
    { 'models.max_queue': 7 },
    { 'models.keep_alive': '9m' },
    { 'log.level': 'warn' },
  ];
  await Promise.all(changes.map((change) => writeSettings(file, change)));
  expect(await readFile(file, 'utf8')).toBe('[log]\nlevel = "warn"\n\n[models]\nmax_queue = 7\nkeep_alive = "9m"\n');
});

test('the variables of docker, hftool and Ollama set what they mean there, and are named as the source', async () => {
  const env = {
    MODEL_RUNNER_HOST: 'http://127.0.0.9:4000',
    MODEL_RUNNER_SOCK: '/run/model-runner.sock',
    MODELS_PATH: '/srv/models',
    HFTOOL_LOG_FILE: '/var/log/omg.log',
    HFTOOL_AUTO_DOWNLOAD: '1',
    DEBUG: 'express:*',
    OLLAMA_FLASH_ATTENTION: '1',
  };
  const config = await loadConfig({ env, cwd: '/' });
  expect(config.settings).toMatchObject({
    'server.host': '127.0.0.9',
    'server.port': 4000,
    'models.dir': '/srv/models',
    'models.auto_download': true,
    'log.debug': false,
  });
  expect(config.paths.logFile).toBe(resolve('/var/log/omg.log'));
  expect(sourceOf(config, 'server.port')).toBe('environment (MODEL_RUNNER_HOST)');
  expect(sourceOf(config, 'models.dir')).toBe('environment (MODELS_PATH)');
  expect(sourceOf(config, 'models.threads')).toBe('default');
  expect(config.warnings.join('\n')).toMatch(/DEBUG.*It is ignored/);
  expect(config.warnings.join('\n')).toContain('OLLAMA_FLASH_ATTENTION has no effect');
  const own = await loadConfig({ env: { ...env, OMG_HOST: 'localhost', MODEL_RUNNER_PORT: '5000' }, cwd: '/' });
  expect(own.settings).toMatchObject({ 'server.host': 'localhost', 'server.port': 5000 });
});
