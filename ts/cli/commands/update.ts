import { Command, Option } from 'clipanion';
import { installation, parseGoDuration, VERSION } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { compareVersions, installSiteOf, isVersion, latestVersion, networkOf } from '../../install/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';
import { updateProgram } from '../update/update-program.ts';

export class UpdateCommand extends DataCommand {
  static override paths = [['update']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Update omg to the newest version.',
    details:
      'The new version comes the way this one was installed: from npm or from the release archives. It is tried before it takes the place of this one, and this one comes back when the new one does not work. A running daemon is replaced once it is idle.',
    examples: [
      ['Only look', '$0 update --check'],
      ['A certain version, also an older one', '$0 update --to 0.1.0'],
    ],
  });

  check = Option.Boolean('--check', false, { description: 'Only say whether there is a newer version.' });
  to = Option.String('--to', { description: 'Install this version, also an older one.' });
  wait = Option.String('--wait', '60s', { description: 'How long to wait for the daemon to become idle.' });

  protected override async run(session: Session): Promise<void> {
    const { printer, config } = session;
    const where = installation();
    const network = networkOf(config);
    const waitMs = parseGoDuration(this.wait);
    if (waitMs === undefined || waitMs < 0) {
      throw new OmgError('invalid_request', `${JSON.stringify(this.wait)} is not a duration.`, {
        hint: 'Such as `30s` or `10m`.',
      });
    }
    if (this.to !== undefined && !isVersion(this.to)) {
      throw new OmgError('invalid_request', `${JSON.stringify(this.to)} is not a version.`);
    }
    // Before the network is asked in vain.
    if (!this.check) installSiteOf(where);
    const version = this.to ?? (await latestVersion(where, network));
    const isWanted = this.to === undefined ? compareVersions(version, VERSION) > 0 : version !== VERSION;
    if (this.check || !isWanted) {
      if (printer.isJson) return printer.json({ current: VERSION, latest: version, available: isWanted });
      if (isWanted) printer.line(`omg ${version} is there; this is ${VERSION}.`);
      else printer.line(this.to === undefined ? `omg ${VERSION} is the newest.` : `This is omg ${VERSION}.`);
      if (isWanted) printer.hint('Install it with `omg update`.');
      return;
    }
    const done = await updateProgram(session, { where, network, version, waitMs });
    if (printer.isJson) return printer.json(done);
    printer.status(`Updated omg from ${done.from} to ${done.to}${done.restarted ? ', and started its daemon' : ''}.`);
  }
}
