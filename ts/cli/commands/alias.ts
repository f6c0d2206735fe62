import { Command, Option } from 'clipanion';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

export class AliasCommand extends DataCommand {
  static override paths = [['alias'], ['alias', 'list']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Short names of your own for models.',
    details:
      'An alias stands for a repository of Hugging Face or another name, wherever a model is named, and comes before the catalog. They are kept in `aliases.yaml` of the home folder.',
    examples: [
      ['All aliases', '$0 alias'],
      ['A new one', '$0 alias set fast unsloth/Qwen3-0.6B-GGUF:Q8_0'],
      ['Use it', '$0 pull fast'],
      ['Forget it', '$0 alias rm fast'],
    ],
  });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const table = await (await session.daemon()).aliases();
    if (printer.isJson) return printer.json(table);
    if (table.length === 0) {
      printer.status('There are no aliases.');
      return printer.hint('Make one with `omg alias set NAME MODEL`; `omg search` lists the built-in names.');
    }
    printer.table(
      [{ title: 'ALIAS' }, { title: 'MODEL' }],
      table.map(({ alias, target }) => [alias, target]),
    );
  }
}

export class AliasSetCommand extends DataCommand {
  static override paths = [['alias', 'set']];
  static override usage = Command.Usage({ category: CATEGORY.models, description: 'Make or change an alias.' });

  alias = Option.String({ name: 'alias' });
  model = Option.String({ name: 'model' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    await (await session.daemon()).setAlias(this.alias, this.model);
    if (printer.isJson) printer.json({ alias: this.alias, model: this.model });
    printer.status(`${this.alias} stands for ${this.model}.`);
  }
}

export class AliasRemoveCommand extends DataCommand {
  static override paths = [['alias', 'rm']];
  static override usage = Command.Usage({ category: CATEGORY.models, description: 'Remove an alias.' });

  alias = Option.String({ name: 'alias' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    await (await session.daemon()).removeAlias(this.alias);
    if (printer.isJson) printer.json({ alias: this.alias });
    printer.status(`Removed the alias ${this.alias}.`);
  }
}
