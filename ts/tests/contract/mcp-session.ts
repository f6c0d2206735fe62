import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { CallToolResult, Progress } from '@modelcontextprotocol/sdk/types.js';

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');

/** A client of `omg mcp` in a process of its own. */
export async function stdioClient(env: Record<string, string>): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', MAIN, 'mcp'],
      env: { PATH: process.env.PATH ?? '', ...env },
      stderr: 'inherit',
    }),
  );
  return client;
}

/** A client of `/mcp` on a daemon. */
export async function httpClient(url: string, headers: Record<string, string> = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit: { headers } }));
  return client;
}

/** A call of a tool, with what it reported along the way. */
export async function call(
  client: Client,
  name: string,
  args: Record<string, unknown>,
  options: { signal?: AbortSignal; onprogress?: (progress: Progress) => void } = {},
): Promise<CallToolResult> {
  return (await client.callTool({ name, arguments: args }, undefined, options)) as CallToolResult;
}

/** The code of a failed call. */
export function codeOf({ isError, _meta }: CallToolResult): unknown {
  return isError === true ? (_meta?.['ohmygpu/error'] as { code?: unknown } | undefined)?.code : undefined;
}
