import { z } from 'zod';
import { defineTool } from '../tool.ts';
import { nonEmpty } from './model.ts';

export const planTool = defineTool({
  name: 'plan',
  title: 'Plan the memory of a model',
  description: 'Shows how much memory an installed model would need, and whether it fits, without loading it.',
  input: z.strictObject({
    model: nonEmpty,
    context_length: z.number().int().min(4).optional().describe('Tokens; left out: what fits.'),
    max_sequences: z.number().int().min(1).max(256).optional().describe('Answers at once.'),
    device: z
      .string()
      .regex(/^(?:auto|cpu|metal|cuda:\d{1,3})$/, 'must be auto, cpu, metal or cuda:N')
      .optional(),
  }),
  output: z.object({
    model: z.string(),
    fits: z.boolean(),
    context_length: z.number().int(),
    trained_context_length: z.number().int(),
    weights_bytes: z.number(),
    kv_bytes_per_token: z.number(),
    kv_bytes: z.number(),
    scratch_bytes: z.number(),
    total_bytes: z.number(),
    available_bytes: z.number(),
  }),
  annotations: { readOnlyHint: true },
  async run(asked, { client, signal }) {
    const { object: _, ...plan } = await client.plan(asked, signal);
    return plan;
  },
});
