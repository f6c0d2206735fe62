import { Command, Option } from 'clipanion';
import { hostElsewhere } from '../../client/index.ts';
import {
  type Config,
  displaySetting,
  isSettingKey,
  SETTINGS,
  type SettingKey,
  specOf,
  writeSettings,
} from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';
import { didYouMean } from '../suggest.ts';

const CONFIGURABLE = (Object.keys(SETTINGS) as SettingKey[]).filter((key) => specOf(key).file !== false);

export class ConfigListCommand extends DataCommand {
  static override paths = [['config'], ['config', 'list']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Show the settings, and where each comes from.',
    details:
      'A flag wins over an environment variable, that over the project’s `.omg/config.toml`, that over the user’s `config.toml`.',
    examples: [
      ['All settings', '$0 config'],
      ['One of them', '$0 config get server.port'],
      ['Change one', '$0 config set models.keep_alive 30m'],
    ],
  });

  protected override async run({ printer, config }: Session): Promise<void> {
    const rows = CONFIGURABLE.map((key) => ({
      key,
      value: displaySetting(key, config.settings[key]),
      source: config.sources[key],
      doc: specOf(key).doc,
    }));
    for (const warning of config.warnings) printer.warn(warning);
    if (printer.isJson) return printer.json(Object.fromEntries(rows.map(({ key, ...rest }) => [key, rest])));
    printer.table(
      [{ title: 'KEY' }, { title: 'VALUE' }, { title: 'FROM' }, { title: 'MEANING' }],
      rows.map(({ key, value, source, doc }) => [key, shown(value), source, doc]),
    );
  }
}

export class ConfigGetCommand extends DataCommand {
  static override paths = [['config', 'get']];
  static override usage = Command.Usage({ category: CATEGORY.setup, description: 'Print one setting.' });

  key = Option.String({ name: 'key' });

  protected override async run({ printer, config }: Session): Promise<void> {
    const key = checkedKey(this.key);
    const value = displaySetting(key, config.settings[key]);
    if (printer.isJson) return printer.json({ key, value, source: config.sources[key] });
    printer.line(shown(value));
  }
}

export class ConfigSetCommand extends DataCommand {
  static override paths = [['config', 'set']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Change a setting in the user’s config.toml.',
    details: 'Without a value the setting is taken out of the file, and the default holds again.',
  });

  key = Option.String({ name: 'key' });
  value = Option.String({ name: 'value', required: false });

  protected override async run({ printer, config }: Session): Promise<void> {
    const key = checkedKey(this.key);
    refuseElsewhere(config);
    await writeSettings(config.paths.configFile, { [key]: this.value ?? null });
    if (printer.isJson) printer.json({ key, value: this.value ?? null, file: config.paths.configFile });
    printer.status(this.value === undefined ? `Removed ${key}.` : `Set ${key}.`);
    if (['flag', 'environment', 'project'].includes(config.sources[key])) {
      printer.warn(`The ${config.sources[key]} sets ${key} too, and wins.`);
    }
    printer.hint('A running daemon takes it over when it is started again.');
  }
}

export class ConfigPathCommand extends DataCommand {
  static override paths = [['config', 'path']];
  static override usage = Command.Usage({ category: CATEGORY.setup, description: 'Print where config.toml is.' });

  protected override async run({ printer, config }: Session): Promise<void> {
    if (printer.isJson) return printer.json({ path: config.paths.configFile, project: config.projectFile ?? null });
    printer.line(config.paths.configFile);
  }
}

/** The file is this machine's: changing it in place of that of another daemon would be no change at all. */
function refuseElsewhere(config: Config): void {
  const host = hostElsewhere(config);
  if (host === undefined) return;
  throw new OmgError('invalid_request', `The daemon of these settings runs on ${host}; its settings are set there.`, {
    hint: `Run \`omg config set\` on ${host}. For the settings of this machine, run it without OMG_HOST.`,
  });
}

function checkedKey(key: string): SettingKey {
  if (isSettingKey(key) && specOf(key).file !== false) return key;
  const near = didYouMean(key, CONFIGURABLE);
  throw new OmgError('invalid_config', `There is no setting ${key}.`, {
    hint: near === undefined ? '`omg config` lists them.' : `Did you mean ${near}?`,
  });
}

function shown(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}
