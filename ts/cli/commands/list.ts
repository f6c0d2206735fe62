import { Command } from 'clipanion';
import type { ModelEntry } from '../../client/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';
import { formatBytes, formatRelative } from '../terminal/units.ts';

export class ListCommand extends DataCommand {
  static override paths = [['list'], ['ls'], ['models'], ['model', 'list'], ['model', 'ls']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'List the installed models.',
    examples: [
      ['All models, newest first', '$0 list'],
      ['Their names only', '$0 list -q'],
    ],
  });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const models = await (await session.daemon()).list();
    if (printer.isJson) return printer.json(models);
    if (models.length === 0) {
      printer.status('No models are installed.');
      printer.hint('Download one, such as `omg pull qwen3:0.6b`.');
      return;
    }
    if (printer.namesOnly(models.map(({ name }) => name))) return;
    const now = new Date();
    printer.table(
      [
        { title: 'NAME' },
        { title: 'ID', drop: 4 },
        { title: 'SIZE', align: 'right' },
        { title: 'PARAMETERS', align: 'right', drop: 3 },
        { title: 'QUANT', drop: 1 },
        { title: 'FAMILY', drop: 5 },
        { title: 'INSTALLED', drop: 2 },
      ],
      models.map((model) => (model.state === 'downloading' ? comingCells(model) : installedCells(model, now))),
    );
  }
}

function installedCells(model: ModelEntry, now: Date): string[] {
  return [
    model.name,
    model.digest.slice(0, 12),
    formatBytes(model.size),
    model.parameter_size,
    model.quantization,
    model.problem === undefined ? model.family : 'unsupported',
    formatRelative(new Date(model.installed_at), now),
  ];
}

/** A model that is being pulled: only its name is known. */
function comingCells({ name }: ModelEntry): string[] {
  return [name, '', '', '', '', '', 'downloading'];
}
