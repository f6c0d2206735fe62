import { z } from 'zod';
import { defineTool } from '../tool.ts';
import { modelOrOnly, nonEmpty } from './model.ts';

export const embedTool = defineTool({
  name: 'embed',
  title: 'Embed texts',
  description: 'Turns texts into embeddings of unit length with an embedding model, for search and comparison.',
  input: z.strictObject({
    model: nonEmpty.optional().describe('May be left out where only one can embed.'),
    input: z.union([z.string(), z.array(z.string()).min(1)]).describe('A text, or several.'),
    dimensions: z.number().int().min(1).optional().describe('Keep so many of the first numbers.'),
    truncate: z.boolean().optional().describe('Cut what is too long; else it is an error.'),
  }),
  output: z.object({
    model: z.string(),
    embeddings: z.array(z.array(z.number())),
    prompt_tokens: z.number().int(),
  }),
  annotations: { readOnlyHint: true },
  async run(asked, { client, signal }) {
    const model = await modelOrOnly(client, asked.model, 'embedding');
    const { embeddings, prompt_eval_count } = await client.embed({ truncate: false, ...asked, model }, signal);
    return { model, embeddings, prompt_tokens: prompt_eval_count ?? 0 };
  },
});
