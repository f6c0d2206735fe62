import { Command, Option } from 'clipanion';
import { installation } from '../../config/index.ts';
import {
  installService,
  type Service,
  serviceFor,
  serviceSpec,
  serviceState,
  uninstallService,
} from '../../install/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

abstract class ServiceCommand extends DataCommand {
  system = Option.Boolean('--system', false, {
    description: 'The service of the whole machine, instead of this account.',
  });

  protected serviceOf({ config }: Session): Service {
    const spec = serviceSpec(config, installation());
    return serviceFor(spec, this.system ? 'system' : 'user', config.paths.home);
  }
}

export class ServiceInstallCommand extends ServiceCommand {
  static override paths = [['service', 'install']];
  static override usage = Command.Usage({
    category: CATEGORY.daemon,
    description: 'Start the daemon at login, or with `--system` at boot.',
    details:
      'A unit of systemd, an agent of launchd or a task of Windows, with restarts after crashes and a sandbox where the system has one. Settings come from `config.toml`.',
    examples: [
      ['For this account', '$0 service install'],
      ['For the machine', 'sudo $0 service install --system'],
      ['See what would be written', '$0 service install --print'],
    ],
  });

  print = Option.Boolean('--print', false, { description: 'Print the definition and change nothing.' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const service = this.serviceOf(session);
    if (this.print) {
      if (printer.isJson) return printer.json({ file: service.file, text: service.text });
      printer.stdout.write(service.text);
      return;
    }
    await installService(service);
    const state = await serviceState(service);
    if (printer.isJson) return printer.json({ file: service.file, ...shown(service, state) });
    printer.status(`The daemon is a service of ${service.manager} now (${service.file}).`);
    printer.hint(`Its output: ${service.logs}`);
    if (service.note !== undefined) printer.hint(service.note);
  }
}

export class ServiceUninstallCommand extends ServiceCommand {
  static override paths = [['service', 'uninstall']];
  static override usage = Command.Usage({
    category: CATEGORY.daemon,
    description: 'Stop the service and remove it.',
  });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const service = this.serviceOf(session);
    const removed = await uninstallService(service);
    if (printer.isJson) return printer.json({ removed, file: service.file });
    printer.status(removed ? `Removed ${service.file}.` : 'There is no service.');
  }
}

export class ServiceStatusCommand extends ServiceCommand {
  static override paths = [['service', 'status'], ['service']];
  static override usage = Command.Usage({
    category: CATEGORY.daemon,
    description: 'Show whether the service is there and runs.',
    details: 'Exits with 3 when it does not run.',
  });

  protected override async run(session: Session): Promise<number> {
    const { printer } = session;
    const service = this.serviceOf(session);
    const state = await serviceState(service);
    if (printer.isJson) printer.json({ file: service.file, ...shown(service, state) });
    else {
      printer.pairs('Service', [
        ['manager', `${service.manager} (${service.scope})`],
        ['state', state.isActive ? 'running' : state.isInstalled ? 'stopped' : 'not installed'],
        ['pid', state.pid === undefined ? 'none' : String(state.pid)],
        ['file', service.file],
        ['logs', service.logs],
      ]);
    }
    if (!state.isInstalled) printer.hint('Install it with `omg service install`.');
    return state.isActive ? 0 : 3;
  }
}

function shown(service: Service, state: { isInstalled: boolean; isActive: boolean; pid: number | undefined }): object {
  return {
    manager: service.manager,
    scope: service.scope,
    installed: state.isInstalled,
    active: state.isActive,
    pid: state.pid ?? null,
  };
}
