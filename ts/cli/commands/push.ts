import { Command, Option } from 'clipanion';
import { OmgError } from '../../errors/index.ts';
import { OmgCommand } from '../command.ts';

/** Not listed: it is here so that those who know it from elsewhere get an answer. */
export class PushCommand extends OmgCommand {
  static override paths = [['push'], ['model', 'push']];
  static override usage = Command.Usage({ description: 'Not available: omg does not upload models.' });

  models = Option.Rest({ name: 'model' });

  protected override async run(): Promise<never> {
    throw new OmgError('not_implemented', 'omg does not upload models: there is no registry it could push to.', {
      hint: 'To publish one, upload its files with `hf upload OWNER/REPO FOLDER`; `omg show MODEL` prints where they are.',
    });
  }
}
