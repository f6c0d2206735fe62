import { Command } from 'clipanion';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';
import { formatBytes, formatRelative } from '../terminal/units.ts';

export class PsCommand extends DataCommand {
  static override paths = [['ps'], ['model', 'ps']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'List the models in memory.',
    examples: [['What is loaded, and until when', '$0 ps']],
  });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const models = await (await session.daemon()).list();
    const loaded = models.filter(({ runtime }) => runtime !== undefined);
    if (printer.isJson) return printer.json(loaded);
    if (loaded.length === 0) return printer.status('No model is loaded.');
    const now = new Date();
    printer.table(
      [
        { title: 'NAME' },
        { title: 'STATE' },
        { title: 'MEMORY', align: 'right' },
        { title: 'DEVICE' },
        { title: 'CONTEXT', align: 'right' },
        { title: 'REQUESTS', align: 'right' },
        { title: 'UNTIL' },
      ],
      loaded.map(({ name, state, runtime }) => [
        name,
        state,
        runtime?.memory == null ? '' : formatBytes(runtime.memory),
        runtime?.device ?? '',
        String(runtime?.context_length ?? ''),
        requests(runtime?.active_requests ?? 0, runtime?.queued_requests ?? 0),
        runtime?.expires_at == null ? '' : formatRelative(new Date(runtime.expires_at), now),
      ]),
    );
  }
}

function requests(active: number, queued: number): string {
  return queued === 0 ? String(active) : `${active} (+${queued} waiting)`;
}
