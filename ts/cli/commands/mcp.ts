import { Readable } from 'node:stream';
import { Command } from 'clipanion';
import { CATEGORY, OmgCommand } from '../command.ts';
import type { Session } from '../session.ts';

export class McpCommand extends OmgCommand {
  static override paths = [['mcp']];
  static override usage = Command.Usage({
    category: CATEGORY.daemon,
    description: 'Serve the Model Context Protocol on stdin and stdout.',
    details:
      'For programs that start it themselves, such as Claude Desktop: `{"command": "omg", "args": ["mcp"]}`. A daemon is started with the first call that needs one. Clients that speak HTTP connect to `/mcp` on the daemon instead.',
    examples: [['Look at it with the inspector', 'npx @modelcontextprotocol/inspector $0 mcp']],
  });

  protected override async run(session: Session): Promise<void> {
    const { serveStdio } = await import('../../mcp/index.ts');
    const { stdin, stdout } = session.terminal;
    const input = stdin instanceof Readable ? stdin : new Readable().wrap(stdin);
    await serveStdio(starting(session), { input, output: stdout }, session.signal);
  }
}

/** A client of the daemon, which is started when it does not run; calls that come together start one. */
function starting(session: Session): () => ReturnType<Session['daemon']> {
  let pending: ReturnType<Session['daemon']> | undefined;
  return () => {
    pending ??= session.daemon(true).finally(() => {
      pending = undefined;
    });
    return pending;
  };
}
