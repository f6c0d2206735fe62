import { Command, Option } from 'clipanion';
import { hostElsewhere } from '../../client/index.ts';
import {
  type Config,
  displaySetting,
  isSettingKey,
  SETTINGS,
  type SettingKey,
  type SettingValue,
  sourceOf,
  specOf,
  writeSettings,
} from '../../config/index.ts';
import { OmgError, printableLine } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Printer } from '../printer.ts';
import type { Session } from '../session.ts';
import { didYouMean } from '../suggest.ts';
import { widthOf, wrapRows } from '../terminal/text.ts';

const CONFIGURABLE = (Object.keys(SETTINGS) as SettingKey[]).filter((key) => specOf(key).file !== false);

export class ConfigListCommand extends DataCommand {
  static override paths = [['config'], ['config', 'list']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Show the settings that were changed, and by what.',
    details:
      'A flag wins over an environment variable, that over the project’s `.omg/config.toml`, that over the user’s `config.toml`.',
    examples: [
      ['All settings, with their meaning', '$0 config --all'],
      ['One of them', '$0 config get server.port'],
      ['Change one', '$0 config set models.keep_alive 30m'],
    ],
  });

  all = Option.Boolean('--all', false, { description: 'Show the defaults too, and what each setting means.' });

  protected override async run({ printer, config }: Session): Promise<void> {
    const rows = CONFIGURABLE.map((key) => ({
      key,
      value: displaySetting(key, config.settings[key]),
      source: sourceOf(config, key),
      doc: specOf(key).doc,
    }));
    for (const warning of config.warnings) printer.warn(warning);
    if (printer.isJson) return printer.json(Object.fromEntries(rows.map(({ key, ...rest }) => [key, rest])));
    const listed = this.all ? rows : rows.filter(({ source }) => source !== 'default');
    if (printer.namesOnly(listed.map(({ key }) => key))) return;
    if (listed.length === 0) printer.status('Every setting has its default.');
    else if (this.all) showAll(printer, listed);
    else {
      printer.table(
        [{ title: 'KEY' }, { title: 'VALUE' }, { title: 'FROM', drop: 1 }],
        listed.map(({ key, value, source }) => [key, shown(value), source]),
      );
    }
    if (!this.all) printer.hint('`omg config --all` lists the defaults too, and what each setting means.');
  }
}

interface Row {
  key: SettingKey;
  value: SettingValue;
  source: string;
  doc: string;
}

/** A paragraph for each setting: its meaning would make a table wider than any terminal. */
function showAll(printer: Printer, rows: Row[]): void {
  const { style } = printer;
  const width = widthOf(printer.stdout);
  for (const { key, value, source, doc } of rows) {
    const from = source === 'default' ? '' : style.dim(`  (${source})`);
    printer.styled(`${style.bold(key)} = ${printableLine(shown(value) || 'not set')}${from}`);
    for (const row of width === Number.POSITIVE_INFINITY ? [doc] : wrapRows(doc, width - 4))
      printer.styled(`    ${row}`);
  }
}

export class ConfigGetCommand extends DataCommand {
  static override paths = [['config', 'get']];
  static override usage = Command.Usage({ category: CATEGORY.setup, description: 'Print one setting.' });

  key = Option.String({ name: 'key' });

  protected override async run({ printer, config }: Session): Promise<void> {
    const key = checkedKey(this.key);
    const value = displaySetting(key, config.settings[key]);
    if (printer.isJson) return printer.json({ key, value, source: sourceOf(config, key) });
    printer.line(shown(value));
  }
}

export class ConfigSetCommand extends DataCommand {
  static override paths = [['config', 'set']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Change a setting in the user’s config.toml.',
    details: 'Without a value it is removed, as `omg config unset` does.',
  });

  key = Option.String({ name: 'key' });
  value = Option.String({ name: 'value', required: false });

  protected override run(session: Session): Promise<void> {
    return change(session, this.key, this.value ?? null);
  }
}

export class ConfigUnsetCommand extends DataCommand {
  static override paths = [['config', 'unset']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Remove a setting from the user’s config.toml, so that its default holds again.',
    examples: [['The usual port again', '$0 config unset server.port']],
  });

  key = Option.String({ name: 'key' });

  protected override run(session: Session): Promise<void> {
    return change(session, this.key, null);
  }
}

/** Writes a setting, or removes it for null. */
async function change({ printer, config }: Session, name: string, value: string | null): Promise<void> {
  const key = checkedKey(name);
  refuseElsewhere(config);
  await writeSettings(config.paths.configFile, { [key]: value });
  if (printer.isJson) printer.json({ key, value, file: config.paths.configFile });
  printer.status(value === null ? `Removed ${key}.` : `Set ${key}.`);
  if (['flag', 'environment', 'project'].includes(config.sources[key])) {
    printer.warn(`The ${config.sources[key]} sets ${key} too, and wins.`);
  }
  printer.hint('Restart the daemon to apply it: `omg serve stop`, `omg serve -d`.');
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
