import { Command, Option } from 'clipanion';
import { installation } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { chooseCuda, installCuda, networkOf, nvidia, removeBackend, reportEngine } from '../../install/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

export class BackendListCommand extends DataCommand {
  static override paths = [['backend', 'list'], ['backend']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Show which engine this machine uses, and why.',
    details: 'The engine is loaded in a process of its own. Exits with 1 when none works.',
  });

  protected override async run({ printer, config }: Session): Promise<void> {
    const { target, used, version, devices, refused, spare, error } = await reportEngine(config.paths.backends);
    if (error !== undefined) throw error;
    if (printer.isJson) {
      printer.json({
        target: target ?? null,
        used: { flavour: used?.flavour, path: used?.path, version },
        devices,
        refused: refused.map(({ addon, reason }) => ({ flavour: addon.flavour, path: addon.path, reason })),
        spare: spare.map(({ flavour, path }) => ({ flavour, path })),
      });
      return;
    }
    printer.table(
      [{ title: 'ENGINE' }, { title: 'STATE' }, { title: 'FILE', drop: 1 }],
      [
        ...refused.map(({ addon, reason }) => [addon.flavour, `refused: ${reason}`, addon.path]),
        [used?.flavour ?? '', 'in use', used?.path ?? ''],
        ...spare.map(({ flavour, path }) => [flavour, 'not needed', path]),
      ],
    );
    for (const { name, kind } of devices) printer.line(`${kind}: ${name}`);
  }
}

export class BackendInstallCommand extends DataCommand {
  static override paths = [['backend', 'install']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Download an engine for other hardware: `cuda` for NVIDIA GPUs.',
    details:
      'It must be signed with a key of the makers of omg, and it is tried in a process of its own before it is used.',
    examples: [['For the NVIDIA GPU of this machine', '$0 backend install cuda']],
  });

  name = Option.String({ name: 'cuda' });

  protected override async run({ printer, config }: Session): Promise<void> {
    checkName(this.name);
    if (installation().by === 'checkout') {
      throw new OmgError('unsupported', 'A checkout builds its own engine.', {
        hint: 'node scripts/build-addon.mjs --features cuda',
      });
    }
    const choice = chooseCuda(await nvidia());
    printer.status(`Fetching ${choice.package} for ${choice.gpu}`);
    const installed = await installCuda({ network: networkOf(config), folder: config.paths.backends, choice });
    if (printer.isJson) return printer.json(installed);
    printer.status(`Installed the CUDA backend: ${installed.devices.map(({ name }) => name).join(', ')}.`);
    printer.hint('A daemon that runs takes it after `omg serve stop` and `omg serve -d`.');
  }
}

export class BackendRemoveCommand extends DataCommand {
  static override paths = [['backend', 'rm']];
  static override usage = Command.Usage({ category: CATEGORY.setup, description: 'Remove a downloaded engine.' });

  name = Option.String({ name: 'cuda' });

  protected override async run({ printer, config }: Session): Promise<void> {
    checkName(this.name);
    const removed = await removeBackend(config.paths.backends, this.name);
    if (!removed) throw new OmgError('not_found', `There is no backend ${this.name} here.`);
    if (printer.isJson) return printer.json({ removed: this.name });
    printer.status(`Removed the backend ${this.name}.`);
  }
}

function checkName(name: string): void {
  if (name === 'cuda') return;
  throw new OmgError('invalid_request', `There is no backend ${JSON.stringify(name)}.`, {
    hint: 'There is `cuda`. Metal is inside the package for Macs, and the CPU in every one.',
  });
}
