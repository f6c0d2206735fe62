import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import type { Client } from '../client/index.ts';
import { OmgError } from '../errors/index.ts';
import type { DaemonClient } from './daemon-client.ts';
import { type CallExtra, Progress } from './progress.ts';

/** What a tool works with: the daemon, the end of the caller's patience, and somewhere to report to. */
export interface ToolContext {
  client: Client;
  signal: AbortSignal;
  progress: Progress;
}

/** A tool, apart from how it is transported. */
export interface Tool<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  name: string;
  title: string;
  description: string;
  input: Input;
  output: Output;
  annotations: ToolAnnotations;
  /** Throws `OmgError`s. */
  run(input: z.output<Input>, context: ToolContext): Promise<z.output<Output>>;
  /** The result for clients that show text; default its JSON. */
  text?(output: z.output<Output>): string;
}

/** Keeps the types of a tool's own schemas while it is written down. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(tool: Tool<Input, Output>): Tool {
  return tool as unknown as Tool;
}

/** Offers the tool. A failure is a result that says so, with the error's code, so that a model can read what to do. */
export function registerTool(server: McpServer, tool: Tool, daemon: DaemonClient): void {
  const { name, title, description, input, output, annotations } = tool;
  server.registerTool(
    name,
    {
      title,
      description,
      inputSchema: input,
      outputSchema: output,
      annotations: { openWorldHint: false, ...annotations },
    },
    async (args: Record<string, unknown>, extra: CallExtra): Promise<CallToolResult> => {
      const progress = new Progress(extra);
      try {
        const result = await tool.run(args, { client: await daemon(), signal: extra.signal, progress });
        const text = tool.text?.(result) ?? JSON.stringify(result, null, 2);
        return { content: [{ type: 'text', text }], structuredContent: result };
      } catch (error) {
        return failure(OmgError.from(error));
      } finally {
        progress.close();
      }
    },
  );
}

function failure(error: OmgError): CallToolResult {
  const text = error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
  return { content: [{ type: 'text', text }], isError: true, _meta: { 'ohmygpu/error': error.toData() } };
}
