import { Command, Option } from 'clipanion';
import type { CatalogEntry } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

export class SearchCommand extends DataCommand {
  static override paths = [['search'], ['model', 'search']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Search the catalog and Hugging Face.',
    details: 'Short names of the catalog stand first: they are of families that run.',
    examples: [['Models of a family', '$0 search qwen3']],
  });

  query = Option.Rest({ name: 'words', required: 1 });
  limit = Option.String('--limit', '20', { description: 'Most results to show.' });

  protected override async run(session: Session): Promise<void> {
    const limit = Number(this.limit);
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
      throw new OmgError('invalid_request', `--limit is a whole number from 1 to 100, not "${this.limit}".`);
    }
    const { printer } = session;
    const client = await session.daemon();
    const words = this.query.join(' ');
    const catalog = matching(await client.catalog(), this.query);
    const found = await client.search(words, limit).catch((error: unknown) => {
      // Without a network the catalog is still there, for people; a program has to learn of it.
      if (catalog.length === 0 || printer.isJson) throw error;
      printer.warn(OmgError.from(error).message);
      return [];
    });
    if (printer.isJson) return printer.json(found);
    if (catalog.length > 0 && !printer.isQuiet) {
      printer.table(
        [{ title: 'SHORT NAME' }, { title: 'STANDS FOR' }, { title: '' }],
        catalog.map(({ name, repo, installed }) => [name, repo, installed ? 'installed' : '']),
      );
    }
    if (found.length === 0 && catalog.length > 0) return;
    if (catalog.length > 0 && !printer.isQuiet) printer.line();
    if (found.length === 0) return printer.status('Nothing was found.');
    if (printer.namesOnly(found.map(({ id }) => id))) return;
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

/** The names of the catalog that hold every word, or whose repository does. */
function matching(catalog: CatalogEntry[], words: string[]): CatalogEntry[] {
  const wanted = words.map((word) => word.toLowerCase());
  return catalog.filter(({ name, repo }) => {
    const text = `${name} ${repo}`.toLowerCase();
    return !name.endsWith(':latest') && wanted.every((word) => text.includes(word));
  });
}
