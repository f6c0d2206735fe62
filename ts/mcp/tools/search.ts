import { z } from 'zod';
import { defineTool } from '../tool.ts';
import { nonEmpty } from './model.ts';

const hit = z.object({
  id: z.string(),
  downloads: z.number(),
  likes: z.number(),
  formats: z.array(z.string()),
  gated: z.boolean(),
});

export const searchTool = defineTool({
  name: 'search',
  title: 'Search the hub',
  description: 'Searches Hugging Face for models by name. Each id it returns can be pulled.',
  input: z.strictObject({ query: nonEmpty, limit: z.number().int().min(1).max(100).default(20) }),
  output: z.object({ models: z.array(hit) }),
  annotations: { readOnlyHint: true, openWorldHint: true },
  run: async ({ query, limit }, { client, signal }) => ({ models: await client.search(query, limit, signal) }),
});
