import { Command, Option } from 'clipanion';
import { installation } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import {
  DOCKER_PLUGINS,
  type DockerPlugin,
  installDockerPlugins,
  isDockerPlugin,
  lastingCommand,
  uninstallDockerPlugins,
} from '../../install/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import { DOCKER_CALL } from '../docker-plugin/call-word.ts';
import type { Session } from '../session.ts';

abstract class DockerPluginCommand extends DataCommand {
  names = Option.Rest({ name: 'plugin' });

  /** Those that are named; without a name all. */
  protected get plugins(): DockerPlugin[] {
    return this.names.length === 0 ? [...DOCKER_PLUGINS] : this.names.map(known);
  }
}

export class DockerPluginInstallCommand extends DockerPluginCommand {
  static override paths = [['docker-plugin', 'install']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Make `docker model …` and `docker omg …` lead here.',
    details:
      "Writes docker-model and docker-omg into cli-plugins in docker's folder, DOCKER_CONFIG or ~/.docker. A plugin of another program is not replaced without `--force`, which puts it aside until `uninstall`. Not on Windows.",
    examples: [
      ['Both', '$0 docker-plugin install'],
      ["`docker omg` only, beside docker's own `docker model`", '$0 docker-plugin install omg'],
    ],
  });

  force = Option.Boolean('--force', false, { description: 'Put a plugin of another program aside.' });

  protected override async run({ printer, config }: Session): Promise<void> {
    const installed = await installDockerPlugins(this.plugins, {
      config: config.settings['system.docker_config'],
      command: [...lastingCommand(installation()), DOCKER_CALL],
      force: this.force,
    });
    if (printer.isJson) return printer.json({ installed });
    for (const { plugin, file } of installed) printer.status(`\`docker ${plugin}\` is omg now (${file}).`);
  }
}

export class DockerPluginUninstallCommand extends DockerPluginCommand {
  static override paths = [['docker-plugin', 'uninstall']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: "Remove the plugins from docker's command line.",
    details: 'Plugins of other programs stay, and what `--force` had put aside comes back.',
  });

  protected override async run({ printer, config }: Session): Promise<void> {
    const removed = await uninstallDockerPlugins(this.plugins, { config: config.settings['system.docker_config'] });
    if (printer.isJson) return printer.json({ removed });
    for (const { file } of removed) printer.status(`Removed ${file}.`);
    if (removed.length === 0) printer.status('There is no plugin of omg.');
  }
}

function known(name: string): DockerPlugin {
  if (isDockerPlugin(name)) return name;
  throw new OmgError('invalid_request', `There is no plugin ${JSON.stringify(name)}.`, {
    hint: `There is: ${DOCKER_PLUGINS.join(', ')}.`,
  });
}
