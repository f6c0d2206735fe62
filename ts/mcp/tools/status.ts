import { z } from 'zod';
import { defineTool } from '../tool.ts';

export const statusTool = defineTool({
  name: 'status',
  title: 'Status of the daemon',
  description: 'What the daemon does: its address, the models in memory, the downloads, and what models can run on.',
  input: z.strictObject({}),
  output: z.object({
    status: z.string(),
    version: z.string(),
    url: z.string(),
    uptime_seconds: z.number(),
    installed: z.number().int(),
    running: z.array(z.string()),
    downloading: z.array(z.string()),
    hardware: z.object({
      cpu: z.string(),
      memory_bytes: z.number(),
      free_memory_bytes: z.number(),
      gpus: z.array(z.object({ name: z.string(), memory_bytes: z.number(), free_memory_bytes: z.number() })),
    }),
  }),
  annotations: { readOnlyHint: true },
  async run(_, { client }) {
    const [daemon, { cpu, memory, gpus }] = await Promise.all([client.status(), client.hardware()]);
    return {
      status: daemon.status,
      version: daemon.version,
      url: daemon.url,
      uptime_seconds: daemon.uptime_seconds,
      ...daemon.models,
      hardware: {
        cpu: cpu.model,
        memory_bytes: memory.total,
        free_memory_bytes: memory.free,
        gpus: gpus.map(({ name, memory_total, memory_free }) => ({
          name,
          memory_bytes: memory_total,
          free_memory_bytes: memory_free,
        })),
      },
    };
  },
});
