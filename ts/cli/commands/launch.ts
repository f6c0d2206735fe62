import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Command, Option } from 'clipanion';
import { Client, namedAddress } from '../../client/index.ts';
import { type Config, environmentWith, findProgram, reachableHost } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import { type Launch, TOOL_NAMES, toolNamed } from '../launch/tools.ts';
import type { Session } from '../session.ts';

export class LaunchCommand extends DataCommand {
  static override paths = [['launch']];
  static override usage = Command.Usage({
    category: CATEGORY.chat,
    description: 'Start a coding tool that talks to your models.',
    details: `Known are ${TOOL_NAMES.join(', ')}; any other program gets the variables that the SDKs of OpenAI, Anthropic and Ollama read. What follows \`--\` goes to the tool. Its own configuration is not changed. Without a tool, lists the known ones and whether they are installed.`,
    examples: [
      ['Claude Code with the only model', '$0 launch claude'],
      ['Codex with a certain one', '$0 launch codex --model qwen3:4b'],
      ['With arguments of its own', '$0 launch claude -- -p "What does this do?"'],
      ['See what is set', '$0 launch opencode --print'],
    ],
  });

  model = Option.String('-m,--model', { description: 'The model; otherwise the loaded or the only one.' });
  print = Option.Boolean('--print', false, { description: 'Print the environment for a shell, and start nothing.' });
  words = Option.Rest({ name: 'tool' });

  protected override async run(session: Session): Promise<number> {
    const { printer } = session;
    const [tool, ...rest] = this.words;
    if (tool === undefined) {
      listTools(session);
      return 0;
    }
    const { program, title, install, prepare } = toolNamed(tool);
    const path = findProgram(program);
    if (path === undefined && !this.print) {
      throw new OmgError('not_found', `${title} is not installed: there is no \`${program}\` on the PATH.`, {
        hint: `${install}; \`omg launch ${tool} --print\` shows the environment it would get.`,
      });
    }
    const client = await session.daemon();
    const { url, host, port } = await reachedAt(session.config, client);
    const apiKey = session.config.settings['server.api_key'];
    const model = await modelFor(client, this.model);
    if (url.startsWith('http:')) await mayConnect(host, port, apiKey);
    const { environment, args } = prepare({ url, model, apiKey });
    const command = [program, ...args, ...rest];
    if (this.isJson) printer.json({ environment, command });
    else if (this.print) printLaunch(session, { environment, args: command });
    else return start(path ?? program, command.slice(1), environment);
    return 0;
  }
}

/** The known tools, and which of them are here. */
function listTools({ printer }: Session): void {
  const tools = TOOL_NAMES.map((name) => ({ name, ...toolNamed(name) }));
  const found = tools.map(({ name, title, program, install }) => {
    return { name, title, path: findProgram(program) ?? null, install };
  });
  if (printer.isJson) {
    printer.json(found);
    return;
  }
  if (printer.namesOnly(found.flatMap(({ name, path }) => (path === null ? [] : [name])))) return;
  printer.table(
    [{ title: 'TOOL' }, { title: 'NAME', drop: 1 }, { title: 'INSTALLED' }],
    found.map(({ name, title, path, install }) => [name, title, path === null ? `no: ${install}` : 'yes']),
  );
  printer.hint('Start one with `omg launch TOOL`.');
}

/** The address that the daemon was reached at. What it says of itself is another one behind a mapped port or on another machine. */
async function reachedAt(config: Config, client: Client): Promise<{ url: string; host: string; port: number }> {
  const named = namedAddress(config);
  if (named !== undefined) return named;
  const { url, host, port } = await client.status();
  return { url, host, port };
}

/** The tool comes over TCP and without the rights of the socket. Throws `unauthorized` before it would be met with it. */
async function mayConnect(host: string, port: number, apiKey: string): Promise<void> {
  const reachable = reachableHost(host);
  try {
    await new Client([{ host: reachable, port }], apiKey).list();
  } catch (error) {
    if (!(error instanceof OmgError) || error.code !== 'unauthorized') throw error;
    throw new OmgError('unauthorized', error.message, {
      hint: 'Make a key for the tool with `omg keys create`, and set OMG_API_KEY to it.',
      cause: error,
    });
  }
}

async function modelFor(client: Client, name: string | undefined): Promise<string> {
  if (name !== undefined) return (await client.model(name)).id;
  const models = (await client.list()).filter(({ capabilities }) => capabilities?.includes('completion'));
  const loaded = models.filter(({ state }) => state === 'running');
  const only = loaded.length === 1 ? loaded[0] : models.length === 1 ? models[0] : undefined;
  if (only !== undefined) return only.id;
  throw new OmgError('invalid_request', 'It is not clear which model is meant.', {
    hint: `Say --model with one of: ${models.map(({ id }) => id).join(', ')}.`,
  });
}

/** Lines that a POSIX shell can evaluate; the command is a comment. */
function printLaunch({ printer }: Session, { environment, args }: Launch): void {
  for (const [name, value] of Object.entries(environment)) printer.line(`export ${name}=${quoted(value)}`);
  printer.line(
    `# ${args.map((argument) => (/^[\w@%+=:,./-]+$/.test(argument) ? argument : quoted(argument))).join(' ')}`,
  );
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

async function start(path: string, args: string[], environment: Record<string, string>): Promise<number> {
  // Windows starts scripts through a shell only, which needs them quoted.
  const isScript = /\.(?:cmd|bat)$/i.test(path);
  const child = spawn(
    isScript ? `"${path}"` : path,
    isScript ? args.map((argument) => JSON.stringify(argument)) : args,
    {
      stdio: 'inherit',
      env: environmentWith(environment),
      shell: isScript,
    },
  );
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } catch (error) {
    throw new OmgError('internal', `${path} could not be started.`, { cause: error });
  }
}
