import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { OmgError } from '../../errors/index.ts';
import { json, omg } from './run-omg.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

afterEach(() => vi.unstubAllEnvs());

describe('with a daemon', () => {
  let server: TestDaemon;

  beforeAll(async () => {
    server = await testDaemon({
      script: {
        reply: (_, prompt) => (prompt.includes('boom') ? fail() : ['Paris ', 'it ', 'is.\u001b[2J']),
      },
    });
    await server.install('demo');
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    vi.stubEnv('OMG_HOME', server.config.paths.home);
    vi.stubEnv('OMG_PORT', String(server.daemon.endpoint.port));
  });

  test('list shows the installed models, as a table and as JSON', async () => {
    const { exitCode, stdout } = await omg(['list']);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/^NAME +ID +SIZE +PARAMETERS +QUANT +FAMILY +INSTALLED$/);
    expect(stdout).toMatch(/^demo:latest +[0-9a-f]{12} +\d+ B /m);
    expect(await json(['models'])).toMatchObject([{ name: 'demo:latest', state: expect.any(String) }]);
  });

  test('run prints one answer as it comes, to stdout and nothing else', async () => {
    expect(await omg(['run', 'demo', 'Where', 'is', 'it?'])).toEqual({
      exitCode: 0,
      stdout: 'Paris it is.\u001b[2J\n',
      stderr: '',
    });
    expect(server.engine.generations.at(-1)?.promptText).toContain('Where is it?');
  });

  test('run --detach loads a model and returns, stop --all unloads all', async () => {
    expect((await omg(['run', '-d', 'demo'])).stderr).toBe('Loaded demo:latest.\n');
    expect(await json(['ps'])).toMatchObject([{ name: 'demo:latest', state: 'running' }]);
    expect((await omg(['run', '-d', 'demo', 'hi'])).exitCode).toBe(2);
    expect((await omg(['stop', '--all', 'demo'])).exitCode).toBe(2);
    expect((await omg(['stop'])).stderr).toContain('Missing MODEL, or --all.');
    expect(await json(['stop', '--all'])).toEqual([{ model: 'demo:latest', stopped: true }]);
    expect(await json(['ps'])).toEqual([]);
    expect(await omg(['stop', '--all'])).toMatchObject({ exitCode: 0, stderr: 'No model is loaded.\n' });
  });

  test('run takes the prompt from stdin, and both together in that order', async () => {
    expect((await omg(['run', 'demo'], { stdin: 'from a pipe\n' })).stdout).toBe('Paris it is.\u001b[2J\n');
    await omg(['run', 'demo', 'Summarise:'], { stdin: 'the text' });
    expect(server.engine.generations.at(-1)?.promptText).toMatch(/Summarise:\n\nthe text/);
  });

  test('an escape sequence of the model does not reach a terminal', async () => {
    const { stdout } = await omg(['run', 'demo', 'hi'], { isTerminal: true });
    expect(stdout).toBe('Paris it is.[2J\n');
  });

  test('run --json gives the answer with its usage', async () => {
    expect(await json(['run', 'demo', 'hi'])).toMatchObject({
      model: 'demo',
      content: 'Paris it is.\u001b[2J',
      reason: 'stop',
      usage: { completion_tokens: expect.any(Number) },
    });
  });

  test('run hands on the system message and the parameters', async () => {
    await omg(['run', 'demo', 'hi', '--system', 'Be short.', '--set', 'temperature=0', '--set', 'seed=7']);
    const { request, promptText } = server.engine.generations.at(-1) ?? {};
    expect(promptText).toContain('Be short.');
    expect(request?.sampling).toMatchObject({ temperature: 0, seed: 7 });
  });

  test('run --format takes json or a file with a schema, and says what is wrong with the file', async () => {
    const file = join(server.config.paths.home, 'answer.schema.json');
    writeFileSync(file, '{"type":"object"}');
    expect((await omg(['run', 'demo', 'hi', '--format', file])).exitCode).toBe(0);
    expect((await omg(['run', 'demo', 'hi', '--format', 'json'])).exitCode).toBe(0);
    writeFileSync(file, 'no json');
    for (const [args, message] of [
      [['hi', '--format', file], 'is not JSON'],
      [['hi', '--format', `${file}.gone`], 'cannot be read (ENOENT)'],
    ] as const) {
      const { exitCode, stderr } = await omg(['run', 'demo', ...args]);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });

  test('a failure in the middle of an answer is an error after the text', async () => {
    const { exitCode, stderr } = await omg(['run', 'demo', 'boom']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: /);
  });

  test('run without a prompt and without a terminal says what is missing', async () => {
    const { exitCode, stderr } = await omg(['run', 'demo']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('hint: Say `omg run demo "your question"`.');
  });

  test('a model that is not installed is refused with what to do', async () => {
    const { exitCode, stderr } = await omg(['run', 'nope', 'hi']);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^error: .*nope.*\nhint: .*omg pull/);
    expect(JSON.parse((await omg(['show', 'nope', '--json'])).stdout)).toMatchObject({
      error: { code: 'model_not_found' },
    });
  });

  test('show, ps and stop tell about a loaded model', async () => {
    await omg(['run', 'demo', 'hi']);
    expect((await omg(['show', 'demo'])).stdout).toMatch(/^ {2}family +llama$/m);
    expect((await omg(['model', 'info', 'demo'])).stdout).toMatch(/^ {2}path +\//m);
    expect((await omg(['ps'])).stdout).toMatch(/^demo:latest +running /m);
    expect((await omg(['stop', 'demo'])).stderr).toBe('Stopped demo.\n');
    expect((await omg(['ps'])).stderr).toBe('No model is loaded.\n');
    expect(await json(['stop', 'demo'])).toEqual([{ model: 'demo', stopped: false }]);
  });

  test('cp and rm change what is installed', async () => {
    expect((await omg(['cp', 'demo', 'copy'])).exitCode).toBe(0);
    expect((await omg(['list'])).stdout).toMatch(/^copy:latest/m);
    expect((await omg(['rm', 'copy', '--quiet'])).stderr).toBe('');
    expect((await omg(['list'])).stdout).not.toContain('copy');
    expect((await omg(['rm', 'copy'])).exitCode).toBe(4);
  });

  test('rm of several removes those that are there, and says which is not', async () => {
    await omg(['cp', 'demo', 'one']);
    await omg(['cp', 'demo', 'two']);
    const { exitCode, stderr } = await omg(['rm', 'one', 'nope', 'two']);
    expect([exitCode, stderr]).toEqual([4, expect.stringMatching(/^Removed one\.\nRemoved two\.\nerror: .*nope/)]);
    expect((await omg(['list', '-q'])).stdout).toBe('demo:latest\n');
  });

  test('tag, info, inspect and remove are what others call cp, show and rm', async () => {
    expect((await omg(['tag', 'demo', 'other'])).exitCode).toBe(0);
    expect((await omg(['inspect', 'other'])).stdout).toBe((await omg(['info', 'other'])).stdout);
    expect((await omg(['remove', 'other'])).stderr).toBe('Removed other.\n');
  });

  test('--quiet prints the names of a list', async () => {
    expect(await omg(['list', '-q'])).toEqual({ exitCode: 0, stdout: 'demo:latest\n', stderr: '' });
    await omg(['run', 'demo', 'hi']);
    expect((await omg(['ps', '--quiet'])).stdout).toBe('demo:latest\n');
  });

  test('df counts a file that models share once', async () => {
    const bytes = async () => ((await json(['df'])) as { what: string; bytes: number }[])[0]?.bytes;
    const before = await bytes();
    expect(before).toBeGreaterThan(0);
    await omg(['cp', 'demo', 'again']);
    expect(await bytes()).toBe(before);
    expect((await omg(['df'])).stdout).toMatch(/^models +2 +\d+ B$/m);
    await omg(['rm', 'again']);
  });

  test('configure sets the context window of a model', async () => {
    await omg(['stop', 'demo']);
    expect(await omg(['configure', 'demo', '--context-size', '1024'])).toMatchObject({ exitCode: 0 });
    await vi.waitFor(async () => expect((await omg(['ps'])).stdout).toMatch(/^demo:latest .* 1024 /m), 10_000);
    expect((await omg(['configure'])).stdout).toMatch(/^demo:latest +1024\s*$/m);
    expect(await json(['configure', 'demo'])).toMatchObject([
      { Model: 'demo:latest', Config: { 'context-size': 1024 } },
    ]);
    expect(await omg(['configure', 'demo', '--context-size=-1'])).toMatchObject({ exitCode: 0 });
    expect((await omg(['configure'])).stderr).toBe('Nothing is set.\n');
  });

  test('create makes a model of a Modelfile, and show prints one that makes the same', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'omg-modelfile-'));
    try {
      const file = join(folder, 'Modelfile');
      writeFileSync(join(folder, 'weights.gguf'), 'GGUF of a Modelfile');
      writeFileSync(
        file,
        '# mine\nfrom ./weights.gguf\nSYSTEM """Be\n"kind"."""\nPARAMETER temperature 0.5\nPARAMETER stop "<|end|>"\nPARAMETER stop x\nMESSAGE user Who?\nLICENSE MIT\nRENDERER qwen3-coder\nPARSER qwen3-coder\nTEMPLATE """{{ range .Messages }}<{{ .Role }}>{{ .Content }}{{ end }}"""\n',
      );
      const created = await omg(['create', 'kind', '-f', file]);
      expect([created.exitCode, created.stderr]).toEqual([0, expect.stringContaining('sending weights.gguf')]);
      expect(created.stderr).toMatch(/warning: the renderer "qwen3-coder" is not used.*\n.*the parser "qwen3-coder"/);
      const shown = await omg(['show', 'kind', '--modelfile']);
      for (const line of [
        'SYSTEM """Be',
        '"kind"."""',
        'PARAMETER temperature 0.5',
        'PARAMETER stop "<|end|>"',
        'MESSAGE user "Who?"',
        'LICENSE "MIT"',
        'RENDERER qwen3-coder',
        'PARSER qwen3-coder',
        'TEMPLATE "{{ range .Messages }}<{{ .Role }}>{{ .Content }}{{ end }}"',
      ]) {
        expect(shown.stdout.split('\n')).toContain(line);
      }
      writeFileSync(file, shown.stdout);
      expect((await omg(['create', 'kind2', '-f', file])).exitCode).toBe(0);
      const body = async (name: string) => (await omg(['show', name, '--modelfile'])).stdout.replace(/FROM .*/, '');
      expect(await body('kind2')).toBe(await body('kind'));
      expect((await omg(['show', 'kind', '--system'])).stdout).toBe('Be\n"kind".');
      for (const [text, exitCode] of [
        ['SYSTEM hi', 2],
        ['FROM ./absent.gguf', 4],
        ['FROM kind\nSYSTEM "open', 2],
        ['FROM kind\nDANCE now', 2],
        ['FROM kind\nPARAMETER nope 1', 2],
      ] as const) {
        writeFileSync(file, text);
        expect((await omg(['create', 'broken', '-f', file])).exitCode, text).toBe(exitCode);
      }
      await omg(['rm', 'kind', 'kind2']);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('import installs a file of this machine under a name', async () => {
    const path = join(server.config.paths.home, 'mine.gguf');
    writeFileSync(path, 'GGUF of mine');
    expect((await omg(['import', path, '--name', 'mine', '--copy'])).stderr).toContain('Imported mine:latest');
    expect((await omg(['import', join(path, 'absent.gguf')])).exitCode).not.toBe(0);
    await omg(['rm', 'mine']);
  });

  test('serve status tells state, address and loaded models', async () => {
    await omg(['run', 'demo', 'hi']);
    const { stdout, exitCode } = await omg(['serve', 'status']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(server.url);
    expect(stdout).toMatch(/^ {2}loaded +demo:latest$/m);
    expect(await json(['serve', 'status'])).toMatchObject({ status: 'ok', url: server.url });
  });

  test('logs shows what happened, readable or as it is', async () => {
    await omg(['run', 'nope', 'hi']);
    expect((await omg(['logs', '-n', '50'])).stdout).toMatch(/^\d{4}-\d\d-\d\d [\d:.]+ info +.*code=model_not_found/m);
    await omg(['run', 'demo', 'hi']);
    const shown = (await omg(['logs', '-n', '50'])).stdout;
    expect(shown).toMatch(
      /request method=POST .*status=200 model=demo:latest mode=completion outcome=ok prompt_tokens=\d+ completion_tokens=\d+ client=omg\/\d/,
    );
    const lines = (await omg(['logs', '-n', '2', '--json'])).stdout.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ level: expect.anything() });
  });

  test('gc --dry-run deletes nothing', async () => {
    expect(await json(['gc', '--dry-run'])).toMatchObject({ freed_bytes: expect.any(Number) });
  });

  test('search fails as the hub fails', async () => {
    const { exitCode, stderr } = await omg(['search', 'phi-2']);
    expect(exitCode).toBe(5);
    expect(stderr).toContain('There is no hub in this test.');
  });

  test('doctor finds the daemon and its engine', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    const { findings } = (await json(['doctor'])) as { findings: { name: string; status: string }[] };
    const status = Object.fromEntries(findings.map((finding) => [finding.name, finding.status]));
    const { stdout } = await omg(['doctor']);
    expect(stdout).toMatch(/^! hub .*\n {2,}→ /m);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^(?:\d+ failed|\d+ warnings?|\d+ failed, \d+ warnings?)$/);
    expect(status).toMatchObject({ node: 'ok', home: 'ok', daemon: 'ok', engine: 'ok', hub: 'warning' });
  });

  test('completion knows commands, options, models and settings', async () => {
    const words = async (...line: string[]) =>
      (await omg(['completion', 'words', '--', ...line])).stdout.trim().split('\n');
    expect(await words('s')).toEqual(['search', 'serve', 'service', 'show', 'status', 'stop']);
    expect(await words('serve', '')).toEqual(['logs', 'status', 'stop']);
    // As the script for PowerShell sends an empty word.
    expect(await words('serve', '""')).toEqual(['logs', 'status', 'stop']);
    expect(await words('completion', 'p')).toEqual(['powershell']);
    expect(await words('run', '--s')).toEqual(['--set', '--start', '--system']);
    expect(await words('run', 'd')).toEqual(['demo']);
    expect(await words('model', 'rm', '')).toEqual(['demo']);
    expect(await words('show', 'demo:l')).toEqual(['demo:latest']);
    expect(await words('config', 'get', 'server.p')).toEqual(['server.port']);
  });
});

function fail(): never {
  throw new OmgError('runner_crashed', 'The runner ended.');
}

describe('without a daemon', () => {
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'omg-cli-'));
    vi.stubEnv('OMG_HOME', home);
    // A port that nothing listens on, so that a daemon of the person who runs the tests is not found.
    vi.stubEnv('OMG_PORT', '9');
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  test.each(['list', 'ps', 'gc', 'show demo', 'run demo hi', 'search x', 'serve stop'])(
    '%s exits with 3 and names the fix',
    async (line) => {
      expect(await omg(line.split(' '))).toEqual({
        exitCode: 3,
        stdout: '',
        stderr: 'error: No daemon is running: nothing answers at 127.0.0.1:9.\nhint: Start it with `omg serve -d`.\n',
      });
    },
  );

  test('on a terminal it offers to start one, and a no starts nothing', async () => {
    vi.stubEnv('CI', '');
    const { exitCode, stderr } = await omg(['list'], { isTerminal: true, stdin: 'n\n' });
    expect(exitCode).toBe(3);
    expect(stderr).toContain('No daemon is running. Start one? [Y/n]');
  });

  test('serve status says that it does not run', async () => {
    expect(await omg(['serve', 'status'])).toMatchObject({ exitCode: 3, stdout: 'The daemon is not running.\n' });
  });

  test('config is read and changed', async () => {
    expect((await omg(['config', 'get', 'models.keep_alive'])).stdout).toBe('5m\n');
    expect((await omg(['config', 'set', 'models.keep_alive', '30m'])).exitCode).toBe(0);
    expect(await json(['config', 'get', 'models.keep_alive'])).toEqual({
      key: 'models.keep_alive',
      value: '30m',
      source: 'user',
    });
    await omg(['config', 'set', 'models.keep_alive']);
    expect(await json(['config', 'get', 'models.keep_alive'])).toMatchObject({ source: 'default' });
    expect((await omg(['config', 'path'])).stdout).toBe(`${join(home, 'config.toml')}\n`);
    expect((await omg(['config', 'set', 'server.port', 'many'])).exitCode).toBe(2);
    expect((await omg(['config', 'get', 'server.prot'])).stderr).toContain('hint: Did you mean server.port?');
  });

  test('settings of a daemon elsewhere are not set here', async () => {
    for (const host of ['models.example.test', '192.0.2.7:10692', 'https://models.example.test']) {
      vi.stubEnv('OMG_HOST', host);
      const { exitCode, stderr } = await omg(['config', 'set', 'models.keep_alive', '31m']);
      expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/hint: .*without OMG_HOST/s)]);
    }
    vi.stubEnv('OMG_HOST', 'localhost');
    expect(await json(['config', 'get', 'models.keep_alive'])).toMatchObject({ value: '5m' });
    expect((await omg(['config', 'set', 'models.keep_alive', '5m'])).exitCode).toBe(0);
    vi.stubEnv('OMG_HOST', undefined);
  });

  test('a secret is never shown', async () => {
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    const { stdout } = await omg(['config', '--json']);
    expect(stdout).not.toContain('hf_secret');
    expect(stdout).toContain('********');
  });

  test.each<[string, number, string]>([
    ['lst', 2, 'Did you mean `omg list`?'],
    ['model lst', 2, 'Did you mean `omg model list`?'],
    ['model', 2, '`omg model --help` says what each does.'],
    ['list --jsn', 2, 'Did you mean --json?'],
    ['pull', 2, 'Usage: omg pull MODEL'],
    ['cp one', 2, 'error: Missing NAME.'],
    ['cp', 2, 'error: Missing MODEL and NAME.'],
    ['list extra', 2, 'error: Unexpected argument `extra`.'],
    ['serve --host', 2, 'error: --host needs a value: ADDRESS.'],
    ['serve --host --port 1', 2, 'error: --host needs a value: ADDRESS.'],
    ['serve --port many', 2, 'error: --port must be a whole number from 0 to 65535, not "many".'],
    ['logs -n -5', 2, 'Write `--lines=-5`'],
    ['list --json=yes', 2, 'error: --json takes no value.'],
    ['list -xq', 2, 'error: Unknown option -xq.'],
    ['models -t x', 2, 'hint: `omg models --help` lists the options.'],
    ['keys bogus', 2, 'There is: omg keys create, omg keys list, omg keys revoke, omg keys open.'],
    ['keys lst', 2, 'Did you mean `omg keys list`?'],
    ['serve extra', 2, 'error: There is no `omg serve extra`.'],
    ['download x', 2, 'Did you mean `omg pull`?'],
    ['top', 2, 'Did you mean `omg ps`?'],
    ['xx', 2, 'hint: `omg --help` lists the commands.'],
    ['help nope', 2, 'error: There is no command `omg nope`.'],
    ['config unset server.prot', 2, 'Did you mean server.port?'],
    ['push demo', 1, 'hf upload'],
    ['configure --keep-alive 1h', 2, 'Missing MODEL.'],
    ['configure demo --context-size 0', 2, '--context-size must be'],
    ['pull', 2, 'error: Missing MODEL.'],
    ['tag one', 2, 'Usage: omg tag MODEL NAME'],
    ['logs', 4, 'Start the daemon: `omg serve -d`.'],
    ['logs -n many', 2, ''],
    ['run demo hi --set nonsense=1', 2, 'Parameters: temperature'],
    ['run demo hi --set temperature=warm', 2, ''],
    ['completion tcsh', 2, 'Shells: bash, zsh, fish, powershell.'],
  ])('omg %s exits with %i', async (line, code, hint) => {
    const { exitCode, stderr } = await omg(line.split(' '));
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(hint);
    expect(exitCode).toBe(code);
  });

  test('help lists every command, and a command explains itself', async () => {
    const { stdout, exitCode } = await omg(['--help']);
    expect(exitCode).toBe(0);
    for (const name of [
      'run',
      'chat',
      'pull',
      'list',
      'show',
      'ps',
      'stop',
      'rm',
      'cp',
      'create',
      'import',
      'search',
      'gc',
      'serve',
      'logs',
      'config',
      'doctor',
      'completion',
    ]) {
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    }
    expect((await omg(['pull', '--help'])).stdout).toContain('--revision');
    expect(await omg(['help', 'pull'])).toEqual(await omg(['pull', '--help']));
    expect(await omg(['help'])).toEqual(await omg([]));
  });

  test('launch alone lists the tools and whether they are installed', async () => {
    const { stdout, exitCode } = await omg(['launch']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^claude +Claude Code +(?:yes|no: npm install)/m);
    expect(await json(['launch'])).toContainEqual(expect.objectContaining({ name: 'codex', title: 'Codex' }));
  });

  test('config shows what was changed, all of it when asked, and takes a change back', async () => {
    vi.stubEnv('OMG_PORT', undefined);
    expect((await omg(['config'])).stdout).not.toContain('models.max_queue');
    await omg(['config', 'set', 'models.keep_alive', '30m']);
    expect((await omg(['config'])).stdout).toMatch(/^models\.keep_alive +30m +user$/m);
    expect((await omg(['config', '--all'])).stdout).toMatch(/^models\.max_queue = 512\n +\S/m);
    expect((await omg(['config', 'unset', 'models.keep_alive'])).stderr).toContain('Removed models.keep_alive.');
    expect((await omg(['config', 'get', 'models.keep_alive'])).stdout).toBe('5m\n');
    vi.stubEnv('OMG_PORT', 'many');
    expect((await omg(['config'])).stderr).toMatch(/^error: OMG_PORT must be a whole number .*\n$/);
  });

  test('update says who looks after a checkout, and what is no version or duration', async () => {
    expect(await omg(['update'])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('`git pull`') });
    expect(await omg(['update', '--to', 'newest'])).toMatchObject({ exitCode: 2 });
    expect(await omg(['update', '--wait', 'long'])).toMatchObject({ exitCode: 2 });
    vi.stubEnv('OMG_NPM_REGISTRY', 'http://127.0.0.1:9');
    const { exitCode, stderr } = await omg(['update', '--check']);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('could not be fetched'),
    });
  });

  test('backend lists the engine in use, and knows one name', async () => {
    const { used, devices } = (await json(['backend', 'list'])) as {
      used: { flavour: string };
      devices: { kind: string }[];
    };
    expect(used.flavour).toBe('built');
    expect(devices.map(({ kind }) => kind)).toContain('cpu');
    expect(await omg(['backend', 'install', 'rocm'])).toMatchObject({ exitCode: 2 });
    expect(await omg(['backend', 'rm', 'cuda'])).toMatchObject({ exitCode: 4 });
  });

  test('service prints its definition and changes nothing', async () => {
    vi.stubEnv('HOME', home);
    vi.stubEnv('USERPROFILE', home);
    const { file, text } = (await json(['service', 'install', '--print'])) as { file: string; text: string };
    expect(text).toContain('serve');
    expect(text).toContain(home);
    expect(existsSync(file)).toBe(false);
    const { exitCode, stdout } = await omg(['service', 'status']);
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('not installed') });
  });

  test.each(['bash', 'zsh', 'fish', 'powershell', 'pwsh'])('completion prints a script for %s', async (shell) => {
    expect((await omg(['completion', shell])).stdout).toContain('omg completion words --');
  });
});
