import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { VERSION } from '../config/index.ts';
import type { DaemonClient } from './daemon-client.ts';
import { registerResources } from './resources.ts';
import { registerTool } from './tool.ts';
import { TOOLS } from './tools/index.ts';

const INSTRUCTIONS = `omg runs language models on this machine. list_models shows what is installed, search finds more on the hub, pull installs one. \
chat loads a model by itself; load and unload decide earlier what is in memory, and plan tells beforehand whether a model fits.`;

/** An MCP server over one daemon, not yet connected to a transport. One per session. */
export function createMcpServer(daemon: DaemonClient): McpServer {
  const server = new McpServer(
    { name: 'ohmygpu', title: 'ohmygpu', version: VERSION },
    { instructions: INSTRUCTIONS, capabilities: { tools: {}, resources: {} } },
  );
  for (const tool of TOOLS) registerTool(server, tool, daemon);
  registerResources(server, daemon);
  return server;
}
