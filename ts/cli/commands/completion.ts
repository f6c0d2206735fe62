import { basename } from 'node:path';
import { Command, Option } from 'clipanion';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, OmgCommand } from '../command.ts';
import { COMPLETION_SCRIPTS, isCompletionShell, SHELL_OF_PROGRAM } from '../completion/scripts.ts';
import type { Session } from '../session.ts';

const SHELLS = Object.keys(COMPLETION_SCRIPTS).join(', ');

export class CompletionCommand extends OmgCommand {
  static override paths = [['completion']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Print the completion script of a shell.',
    details: `Completes commands, options, names of installed models and settings. Shells: ${SHELLS}; without a name the one in use.`,
    examples: [
      ['bash, in ~/.bashrc', 'eval "$(omg completion bash)"'],
      ['zsh, in ~/.zshrc', 'eval "$(omg completion zsh)"'],
      ['PowerShell, in $PROFILE', 'omg completion powershell | Out-String | Invoke-Expression'],
      ['fish', 'omg completion fish > ~/.config/fish/completions/omg.fish'],
    ],
  });

  shell = Option.String({ name: 'shell', required: false });

  protected override async run({ printer, config }: Session): Promise<void> {
    const inUse = config.settings['system.shell'] || (process.platform === 'win32' ? 'powershell' : '');
    const program = this.shell ?? basename(inUse);
    const shell = SHELL_OF_PROGRAM[program] ?? program;
    if (!isCompletionShell(shell)) {
      throw new OmgError('invalid_request', shell === '' ? 'Which shell?' : `There is no completion for "${shell}".`, {
        hint: `Shells: ${SHELLS}.`,
      });
    }
    printer.stdout.write(COMPLETION_SCRIPTS[shell]);
  }
}
