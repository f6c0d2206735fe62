import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { DaemonClient } from './daemon-client.ts';
import { createMcpServer } from './server.ts';

/** Serves one client over the two streams until its input ends or the signal aborts. Nothing else may write to `output`. */
export async function serveStdio(
  daemon: DaemonClient,
  streams: { input: Readable; output: Writable },
  signal: AbortSignal,
): Promise<void> {
  const server = createMcpServer(daemon);
  const ended = Promise.race([
    once(streams.input, 'end', { signal }),
    once(streams.input, 'close', { signal }),
    new Promise<void>((resolve) => {
      server.server.onclose = resolve;
    }),
  ]);
  await server.connect(new StdioServerTransport(streams.input, streams.output));
  try {
    await ended;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    // Ends the calls under way as well: nobody is left to read what they give.
    await server.close();
  }
}
