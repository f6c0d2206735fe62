import { z } from 'zod';
import { defineTool } from '../tool.ts';
import { nonEmpty } from './model.ts';

export const loadTool = defineTool({
  name: 'load',
  title: 'Load a model',
  description: 'Loads an installed model into memory, or keeps it there for longer. chat does so by itself.',
  input: z.strictObject({
    model: nonEmpty,
    context_length: z.number().int().min(4).optional().describe('Window in tokens; left out: what fits.'),
    keep_alive: z
      .union([z.string(), z.number()])
      .optional()
      .describe('How long it stays after the last request: "10m", seconds, or -1 for ever.'),
  }),
  output: z.object({
    model: z.string(),
    context_length: z.number().int().nullable(),
    device: z.string().nullable(),
    memory_bytes: z.number().nullable(),
    expires_at: z.string().nullable(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
  async run({ model, ...options }, { client, signal, progress }) {
    progress.report({ progress: 0, total: 1, message: `Loading ${model}` });
    const { name, runtime } = await client.start(model, options, signal);
    return {
      model: name,
      context_length: runtime?.context_length ?? null,
      device: runtime?.device ?? null,
      memory_bytes: runtime?.memory ?? null,
      expires_at: runtime?.expires_at ?? null,
    };
  },
});

export const unloadTool = defineTool({
  name: 'unload',
  title: 'Take a model out of memory',
  description: 'Unloads a model once the answers in flight are complete. It stays installed.',
  input: z.strictObject({ model: nonEmpty }),
  output: z.object({ model: z.string(), unloaded: z.boolean().describe('False where it was not loaded.') }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
  run: async ({ model }, { client }) => ({ model, unloaded: (await client.stop(model)).stopped }),
});
