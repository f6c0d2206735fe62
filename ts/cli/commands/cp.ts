import { Command, Option } from 'clipanion';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

export class CpCommand extends DataCommand {
  static override paths = [['cp'], ['tag'], ['model', 'cp'], ['model', 'tag']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Give a model another name.',
    details: 'The files are shared: it takes no disk space.',
    examples: [['A short name', '$0 cp Qwen/Qwen3-0.6B-GGUF:Q8_0 small']],
  });

  source = Option.String({ name: 'model' });
  destination = Option.String({ name: 'name' });

  protected override async run(session: Session): Promise<void> {
    const client = await session.daemon();
    await client.copy(this.source, this.destination);
    session.printer.status(`Copied ${this.source} to ${this.destination}.`);
    if (session.printer.isJson) session.printer.json({ source: this.source, destination: this.destination });
  }
}
