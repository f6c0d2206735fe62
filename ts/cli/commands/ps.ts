import { Command } from 'clipanion';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';
import { formatBytes, formatRelative } from '../terminal/units.ts';

export class PsCommand extends DataCommand {
  static override paths = [['ps'], ['model', 'ps']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'List the loaded models.',
    examples: [['What is loaded, and until when', '$0 ps']],
  });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const models = await (await session.daemon()).list();
    const loaded = models.filter(({ runtime }) => runtime !== undefined);
    if (printer.isJson) return printer.json(loaded);
    if (loaded.length === 0) return printer.status('No model is loaded.');
    if (printer.namesOnly(loaded.map(({ name }) => name))) return;
    const now = new Date();
    printer.table(
      [
        { title: 'NAME' },
        { title: 'STATE', drop: 1 },
        { title: 'MEMORY', align: 'right', drop: 3 },
        { title: 'DEVICE', drop: 2 },
        { title: 'CONTEXT', align: 'right', drop: 4 },
        { title: 'REQUESTS', align: 'right', drop: 5 },
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
