import { type McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import type { ModelEntry } from '../client/index.ts';
import { OmgError } from '../errors/index.ts';
import type { DaemonClient } from './daemon-client.ts';

const JSON_TYPE = 'application/json';
/** What the protocol says for a resource that does not exist. */
const RESOURCE_NOT_FOUND = -32002;

/** `omg://status`, and `omg://models/{name}` for each model; names are percent-encoded. */
export function registerResources(server: McpServer, daemon: DaemonClient): void {
  server.registerResource(
    'status',
    'omg://status',
    { title: 'Status of the daemon', mimeType: JSON_TYPE },
    async ({ href }) => contents(href, await asked(async () => (await daemon()).status())),
  );
  const names = async (): Promise<ModelEntry[]> => (await daemon()).list();
  const template = new ResourceTemplate('omg://models/{name}', {
    list: async () => ({
      resources: (await asked(names)).map(({ name, parameter_size, quantization, state }) => ({
        uri: uriOf(name),
        name,
        description: [parameter_size, quantization, state].filter(Boolean).join(', '),
        mimeType: JSON_TYPE,
      })),
    }),
    complete: {
      name: async (start) =>
        (await asked(names)).map(({ name }) => encodeURIComponent(name)).filter((name) => name.startsWith(start)),
    },
  });
  server.registerResource(
    'model',
    template,
    { title: 'A model', description: 'Everything that is known about an installed model.', mimeType: JSON_TYPE },
    async ({ href }, { name }) =>
      contents(href, await asked(async () => (await daemon()).model(decodeURIComponent([name].flat()[0] ?? '')))),
  );
}

function uriOf(name: string): string {
  return `omg://models/${encodeURIComponent(name)}`;
}

function contents(uri: string, value: unknown): { contents: { uri: string; mimeType: string; text: string }[] } {
  return { contents: [{ uri, mimeType: JSON_TYPE, text: JSON.stringify(value, null, 2) }] };
}

async function asked<Value>(ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask();
  } catch (thrown) {
    const error = OmgError.from(thrown);
    const code = error.status === 404 ? RESOURCE_NOT_FOUND : ErrorCode.InternalError;
    throw new McpError(code, error.message, error.toData());
  }
}
