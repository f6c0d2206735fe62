import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readRegularFile, writeFileAtomically } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';

/** The words that the plugins add to docker's command line. */
export const DOCKER_PLUGINS = ['model', 'omg'] as const;
export type DockerPlugin = (typeof DOCKER_PLUGINS)[number];

/** Stands in every plugin that we wrote. */
const MARK = '# Written by `omg docker-plugin install`.';
const LARGEST_OF_OURS = 16_384;

export interface PluginChange {
  plugin: DockerPlugin;
  file: string;
}

export function isDockerPlugin(word: string): word is DockerPlugin {
  return (DOCKER_PLUGINS as readonly string[]).includes(word);
}

/**
 * Puts plugins where docker's command line looks for them and returns their files. `config` is docker's folder, empty for its default, and
 * `command` what they run, followed by the plugin's name and docker's words. Throws `conflict`, and changes nothing, where a plugin of somebody else has the name, unless `force` puts that aside.
 */
export async function installDockerPlugins(
  plugins: readonly DockerPlugin[],
  { config, command, force }: { config: string; command: readonly string[]; force: boolean },
): Promise<PluginChange[]> {
  refuseWindows();
  const folder = folderIn(config);
  const changes = plugins.map((plugin) => ({ plugin, file: fileOf(folder, plugin) }));
  const foreign: PluginChange[] = [];
  for (const change of changes) if ((await whoseIs(change.file)) === 'theirs') foreign.push(change);
  if (foreign[0] !== undefined && !force) throw taken(foreign[0], plugins);
  try {
    await mkdir(folder, { recursive: true });
    for (const { plugin, file } of foreign) await rename(file, asideOf(folder, plugin));
    for (const { file } of changes) await writeFileAtomically(file, scriptFor(command), { mode: 0o755 });
  } catch (error) {
    throw denied(folder, error);
  }
  return changes;
}

/** Removes those plugins that are ours, brings back what `force` had put aside, and returns what was removed. */
export async function uninstallDockerPlugins(
  plugins: readonly DockerPlugin[],
  { config }: { config: string },
): Promise<PluginChange[]> {
  refuseWindows();
  const folder = folderIn(config);
  const removed: PluginChange[] = [];
  for (const plugin of plugins) {
    const file = fileOf(folder, plugin);
    if ((await whoseIs(file)) !== 'ours') continue;
    try {
      if (await exists(asideOf(folder, plugin))) await rename(asideOf(folder, plugin), file);
      else await rm(file);
    } catch (error) {
      throw denied(folder, error);
    }
    removed.push({ plugin, file });
  }
  return removed;
}

function folderIn(config: string): string {
  return join(config === '' ? join(homedir(), '.docker') : config, 'cli-plugins');
}

function fileOf(folder: string, plugin: DockerPlugin): string {
  return join(folder, `docker-${plugin}`);
}

/** Docker takes every file that begins with `docker-` for a plugin. */
function asideOf(folder: string, plugin: DockerPlugin): string {
  return join(folder, `.docker-${plugin}.before-omg`);
}

/** A script, so that an update of omg or of Node leaves the plugin as it is. */
function scriptFor(command: readonly string[]): string {
  const words = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return `#!/bin/sh\n${MARK}\nexec ${words.join(' ')} "\${0##*/docker-}" "$@"\n`;
}

async function whoseIs(file: string): Promise<'ours' | 'theirs' | undefined> {
  if (!(await exists(file))) return undefined;
  const read = await readRegularFile(file, LARGEST_OF_OURS);
  return read !== undefined && 'text' in read && read.text.includes(MARK) ? 'ours' : 'theirs';
}

/** Also of a link that leads nowhere. */
async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

function refuseWindows(): void {
  if (process.platform !== 'win32') return;
  throw new OmgError('unsupported', 'On Windows docker takes programs (.exe) as plugins only, and omg is none.', {
    hint: 'Use `omg model …`, which has the same commands.',
  });
}

function taken({ plugin, file }: PluginChange, wanted: readonly DockerPlugin[]): OmgError {
  const others = wanted.filter((one) => one !== plugin);
  const instead = others.length === 0 ? '' : `\`omg docker-plugin install ${others.join(' ')}\` leaves it alone, and `;
  return new OmgError('conflict', `\`docker ${plugin}\` is another program's here: ${file}.`, {
    hint: `${instead}\`--force\` puts it aside until \`omg docker-plugin uninstall\`.`,
  });
}

function denied(folder: string, error: unknown): OmgError {
  const { code } = error as NodeJS.ErrnoException;
  return new OmgError('permission_denied', `${folder} cannot be changed (${code}).`, {
    hint: 'DOCKER_CONFIG names another folder.',
    cause: error,
  });
}
