import { Command, Option } from 'clipanion';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

export class SearchCommand extends DataCommand {
  static override paths = [['search'], ['model', 'search']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Search models on Hugging Face.',
    examples: [['GGUF models of a family', '$0 search qwen3 gguf']],
  });

  query = Option.Rest({ name: 'words', required: 1 });
  limit = Option.String('--limit', '20', { description: 'Most results to show.' });

  protected override async run(session: Session): Promise<void> {
    const limit = Number(this.limit);
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
      throw new OmgError('invalid_request', `--limit is a whole number from 1 to 100, not "${this.limit}".`);
    }
    const { printer } = session;
    const found = await (await session.daemon()).search(this.query.join(' '), limit);
    if (printer.isJson) return printer.json(found);
    if (found.length === 0) return printer.status('Nothing was found.');
    if (printer.isQuiet) {
      for (const { id } of found) printer.line(id);
      return;
    }
    printer.table(
      [
        { title: 'NAME' },
        { title: 'DOWNLOADS', align: 'right', drop: 2 },
        { title: 'LIKES', align: 'right', drop: 4 },
        { title: 'FORMATS', drop: 3 },
        { title: 'ACCESS', drop: 1 },
      ],
      found.map(({ id, downloads, likes, formats, gated }) => [
        id,
        downloads.toLocaleString('en'),
        likes.toLocaleString('en'),
        formats.join(', '),
        gated ? 'gated' : '',
      ]),
    );
  }
}
