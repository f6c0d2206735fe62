import { z } from 'zod';
import { defineTool } from '../tool.ts';
import { nonEmpty } from './model.ts';

export const pullTool = defineTool({
  name: 'pull',
  title: 'Install a model',
  description:
    'Brings a model from the hub and installs it: `owner/repo`, `owner/repo:QUANT` or a short name such as `qwen3:4b`. Downloads can be gigabytes.',
  input: z.strictObject({
    model: nonEmpty,
    revision: nonEmpty.optional().describe('Branch, tag or commit.'),
    quant: nonEmpty.optional().describe('Quantisation of a GGUF file, such as Q4_K_M.'),
    force: z.boolean().optional().describe('Look at the hub again although it is installed.'),
  }),
  output: z.object({ model: z.string(), status: z.string(), total_bytes: z.number() }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  async run(asked, { client, signal, progress }) {
    const files = new Map<string, { completed: number; total: number }>();
    let status = '';
    for await (const line of client.pull(asked, signal)) {
      status = line.status;
      if (line.digest !== undefined) {
        files.set(line.digest, { completed: line.completed ?? 0, total: line.total ?? 0 });
      }
      const { completed, total } = sum(files.values());
      progress.report({ progress: completed, ...(total === 0 ? {} : { total }), message: status });
    }
    return { model: asked.model, status, total_bytes: sum(files.values()).total };
  },
  text: ({ model, total_bytes }) => `${model} is installed (${total_bytes} bytes).`,
});

function sum(files: Iterable<{ completed: number; total: number }>): { completed: number; total: number } {
  let [completed, total] = [0, 0];
  for (const file of files) {
    completed += file.completed;
    total += file.total;
  }
  return { completed, total };
}
