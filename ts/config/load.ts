import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OmgError } from '../errors/index.ts';
import { baseUrl, reachableHost } from './host.ts';
import { homeFolder, type Paths, resolvePaths } from './paths.ts';
import { findProjectFile, type ProjectFile, projectSettings } from './project-file.ts';
import { parseSetting, unknownKey } from './setting-values.ts';
import {
  isSettingKey,
  SETTINGS,
  type SettingKey,
  type Settings,
  type SettingValue,
  specOf,
  WITHOUT_EFFECT,
} from './settings.ts';

export type Environment = Record<string, string | undefined>;
export type SettingSource = 'flag' | 'environment' | 'project' | 'user' | 'default';

/** The settings in force, where each came from, and the paths that follow from them. */
export interface Config {
  settings: Settings;
  sources: Record<SettingKey, SettingSource>;
  /** The variables that set what comes from the environment, such as `OLLAMA_KEEP_ALIVE`. */
  variables: Partial<Record<SettingKey, string>>;
  paths: Paths;
  /** The project's .omg/config.toml, when there is one. */
  projectFile: string | undefined;
  /** Things that were ignored, for the log and for `omg doctor`. */
  warnings: string[];
}

export interface LoadConfigOptions {
  /** Command-line values by setting key; undefined entries are skipped. */
  flags?: Partial<Record<SettingKey, SettingValue>>;
  env?: Environment;
  cwd?: string;
}

/** Where a setting comes from, in words: a layer, and the variable where it is the environment. */
export function sourceOf({ sources, variables }: Config, key: SettingKey): string {
  const variable = sources[key] === 'environment' ? variables[key] : undefined;
  return variable === undefined ? sources[key] : `environment (${variable})`;
}

/** Reads flags > OMG_* > project file > user file > defaults. Throws `invalid_config` naming file and line. */
export async function loadConfig(options: LoadConfigOptions = {}): Promise<Config> {
  const env = options.env ?? process.env;
  const warnings: string[] = [];
  const variables: Config['variables'] = {};
  const fromEnv = readEnvironment(env, warnings, variables);
  const fromFlags = readFlags(options.flags ?? {});
  const home = homeFolder({
    home: String(fromFlags.home ?? fromEnv.home ?? ''),
    appdata: String(fromEnv['system.appdata'] ?? ''),
  });
  const userFile = join(home, 'config.toml');
  const project = await findProjectFile(options.cwd ?? process.cwd(), userFile, warnings);
  const layers: [SettingSource, Partial<Record<SettingKey, SettingValue>>][] = [
    ['user', await readSettingsFile(userFile)],
    ['project', project === undefined ? {} : await settingsOfProject(project, warnings)],
    ['environment', fromEnv],
    ['flag', fromFlags],
  ];
  const settings: Record<string, SettingValue> = {};
  const sources: Record<string, SettingSource> = {};
  for (const key of Object.keys(SETTINGS)) {
    const spec = specOf(key as SettingKey);
    settings[key] = spec.kind === 'list' ? [...spec.default] : spec.default;
    sources[key] = 'default';
  }
  for (const [source, layer] of layers) {
    for (const [key, value] of Object.entries(layer)) {
      settings[key] = value;
      sources[key] = source;
    }
  }
  if (settings['models.kv_cache_type'] !== 'f16') {
    warnings.push(`models.kv_cache_type "${settings['models.kv_cache_type']}" is not supported; the KV cache is f16.`);
  }
  // Every value has passed parseSetting for its key, which is what the type says.
  const complete = settings as unknown as Settings;
  return {
    settings: complete,
    sources: sources as Record<SettingKey, SettingSource>,
    variables,
    paths: resolvePaths({
      home: complete.home,
      appdata: complete['system.appdata'],
      modelsDir: complete['models.dir'],
      socket: complete['server.socket'],
      huggingFaceHome: complete['hub.home'],
      huggingFaceCache: complete['hub.cache'],
      huggingFaceToken: complete['hub.token_file'],
      ollamaModels: complete['hub.ollama_models'],
      logFile: complete['log.file'],
    }),
    projectFile: project?.path,
    warnings,
  };
}

async function settingsOfProject(
  { path, text }: ProjectFile,
  warnings: string[],
): Promise<Partial<Record<SettingKey, SettingValue>>> {
  return projectSettings(await parseSettingsText(text, path), path, warnings);
}

function readFlags(flags: Partial<Record<SettingKey, SettingValue>>): Partial<Record<SettingKey, SettingValue>> {
  const parsed: Partial<Record<SettingKey, SettingValue>> = {};
  for (const [key, value] of Object.entries(flags)) {
    if (value !== undefined && isSettingKey(key)) parsed[key] = parseSetting(key, value, flagOf(key));
  }
  return splitHostPort(parsed);
}

/** The flag that sets a key, such as `--also-ollama-port`. */
function flagOf(key: SettingKey): string {
  return `--${key.slice(key.lastIndexOf('.') + 1).replaceAll('_', '-')}`;
}

/** Where clients find the daemon and with which key, by the environment alone; what is wrong there counts as not set. */
export function environmentAddress(env: Environment = process.env): { url: string; apiKey: string } {
  let values: Partial<Record<SettingKey, SettingValue>> = {};
  try {
    values = readEnvironment(env, []);
  } catch {
    // Whoever imports a library must not fail by a variable.
  }
  const named = String(values['server.host'] ?? SETTINGS['server.host'].default);
  const port = Number(values['server.port'] ?? SETTINGS['server.port'].default);
  const scheme = values['server.https'] === true ? 'https' : 'http';
  return {
    url: baseUrl(scheme, reachableHost(named), port),
    apiKey: String(values['server.api_key'] ?? ''),
  };
}

/** Values are trimmed of spaces and quotes; an empty one counts as absent, as in Ollama. */
function readEnvironment(
  env: Environment,
  warnings: string[],
  variables: Config['variables'] = {},
): Partial<Record<SettingKey, SettingValue>> {
  for (const [name, why] of Object.entries(WITHOUT_EFFECT)) {
    if ((env[name]?.trim() ?? '') !== '') warnings.push(`${name} has no effect: ${why}.`);
  }
  const parsed: Partial<Record<SettingKey, SettingValue>> = {};
  for (const key of Object.keys(SETTINGS) as SettingKey[]) {
    const spec = specOf(key);
    for (const name of spec.env) {
      const raw = env[name]
        ?.trim()
        .replace(/^(["'])(.*)\1$/s, '$2')
        .trim();
      if (raw === undefined || raw === '') continue;
      try {
        const value = parseSetting(key, raw, name, true);
        variables[key] = variables[key] === undefined ? name : `${variables[key]}, ${name}`;
        const before = parsed[key];
        parsed[key] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
      } catch (error) {
        // A variable that was set for another program must not keep ours from starting.
        if (name.startsWith('OMG_') || name.startsWith('HF_')) throw error;
        warnings.push(`${OmgError.from(error).message} It is ignored.`);
        continue;
      }
      if (spec.union !== true) break;
    }
  }
  const split = splitHostPort(parsed);
  for (const key of ['server.port', 'server.https'] as const) {
    if (split[key] !== undefined) variables[key] ??= variables['server.host'];
  }
  return split;
}

function splitHostPort(values: Partial<Record<SettingKey, SettingValue>>): Partial<Record<SettingKey, SettingValue>> {
  const match = /^(?:(https?):\/\/)?(\[[^\]]+\]|[^:/]+)?(?::(\d+))?\/?$/.exec(String(values['server.host'] ?? ''));
  if (values['server.host'] === undefined || !match) return values;
  const host = match[2]?.replace(/^\[|\]$/g, '') ?? '127.0.0.1';
  const port =
    match[3] === undefined ? {} : { 'server.port': parseSetting('server.port', match[3], 'The port in server.host') };
  const https = match[1] === 'https' ? { 'server.https': true } : {};
  return { ...port, ...https, ...values, 'server.host': host };
}

/** Settings of one TOML file by key; {} when it does not exist. Throws `invalid_config`. */
export async function readSettingsFile(file: string): Promise<Partial<Record<SettingKey, SettingValue>>> {
  const text = await readText(file);
  if (text === undefined) return {};
  return parseSettingsText(text, file);
}

export async function parseSettingsText(
  text: string,
  file: string,
): Promise<Partial<Record<SettingKey, SettingValue>>> {
  const { parse, TomlError } = await import('smol-toml');
  let tree: unknown;
  try {
    tree = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n')[0] ?? '';
    throw new OmgError('invalid_config', `${file}:${error.line}: ${reason}`, {
      hint: 'The file must be valid TOML.',
      cause: error,
    });
  }
  const parsed: Partial<Record<SettingKey, SettingValue>> = {};
  for (const [key, value] of leaves(tree)) {
    const origin = `${file}${lineOf(text, key)}`;
    if (!isSettingKey(key) || specOf(key).file === false) throw unknownKey(key, origin);
    parsed[key] = parseSetting(key, value, `${origin}: ${key}`);
  }
  return parsed;
}

function* leaves(node: unknown, prefix = ''): Generator<[string, unknown]> {
  if (typeof node !== 'object' || node === null) return;
  for (const [name, value] of Object.entries(node)) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
    if (isTable && !isSettingKey(key)) yield* leaves(value, key);
    else yield [key, value];
  }
}

/** `:line` of a key, found by its section and name; empty when it is written in a way we do not look for. */
function lineOf(text: string, key: string): string {
  const name = key.slice(key.lastIndexOf('.') + 1);
  const section = key.slice(0, Math.max(0, key.lastIndexOf('.')));
  let current = '';
  for (const [index, line] of text.split('\n').entries()) {
    const header = /^\s*\[([^[\]]+)\]/.exec(line)?.[1];
    if (header !== undefined) current = header.trim();
    const left = /^\s*([\w."'-]+)\s*=/.exec(line)?.[1];
    if (left === undefined) continue;
    if ((left === name && current === section) || (current === '' ? left : `${current}.${left}`) === key)
      return `:${index + 1}`;
  }
  return '';
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new OmgError('permission_denied', `${file} cannot be read (${code}).`, {
      hint: 'Check the owner and the rights of the file.',
      cause: error,
    });
  }
}
