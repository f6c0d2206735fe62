import { Option } from 'clipanion';
import { OmgCommand } from '../command.ts';
import { candidates } from '../completion/candidates.ts';
import type { Session } from '../session.ts';

/** What the scripts call: prints the words that may stand in place of the last argument, one per line. */
export class CompletionWordsCommand extends OmgCommand {
  static override paths = [['completion', 'words']];

  words = Option.Proxy();

  protected override async run({ printer, config }: Session): Promise<void> {
    const given = this.words[0] === '--' ? this.words.slice(1) : this.words;
    // As the script for PowerShell sends an empty word.
    const words = given.map((word) => (word === '""' ? '' : word));
    for (const word of await candidates(words, config, this.context.commands)) printer.line(word);
  }
}
