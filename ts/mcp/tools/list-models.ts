import { z } from 'zod';
import type { ModelEntry } from '../../client/index.ts';
import { defineTool } from '../tool.ts';

const model = z.object({
  name: z.string(),
  state: z.string().describe('installed, starting, running, stopping or downloading'),
  capabilities: z.array(z.string()),
  context_length: z.number().int().describe('Tokens the model was trained for.'),
  family: z.string(),
  parameter_size: z.string(),
  quantization: z.string(),
  size_bytes: z.number(),
});

export const listModelsTool = defineTool({
  name: 'list_models',
  title: 'List models',
  description: 'The models that are installed on this machine or on their way, and which of them are in memory.',
  input: z.strictObject({}),
  output: z.object({ models: z.array(model) }),
  annotations: { readOnlyHint: true },
  run: async (_, { client }) => ({ models: (await client.list()).map(modelOf) }),
});

/** A model on its way has nothing but a name and a state yet. */
function modelOf(entry: Partial<ModelEntry> & Pick<ModelEntry, 'name' | 'state'>): z.output<typeof model> {
  return {
    name: entry.name,
    state: entry.state,
    capabilities: entry.capabilities ?? [],
    context_length: entry.context_length ?? 0,
    family: entry.family ?? '',
    parameter_size: entry.parameter_size ?? '',
    quantization: entry.quantization ?? '',
    size_bytes: entry.size ?? entry.download?.total ?? 0,
  };
}
