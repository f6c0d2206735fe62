import { z } from 'zod';
import { list, MAX_TOOLS, optional } from '../wire/index.ts';
import { responseFormat } from './response-format.ts';
import { samplingFields } from './sampling-fields.ts';

const anyObject = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected an object',
);

/** An item of any kind; what its kind needs is checked where it is read. */
const itemSchema = z.looseObject({ type: optional(z.string()) });

const functionSchema = z.looseObject({
  type: z.string(),
  name: optional(z.string()),
  description: optional(z.string()),
  parameters: optional(anyObject),
  strict: optional(z.boolean()),
});

const toolSchema = functionSchema.extend({ tools: optional(list(functionSchema, { maxLength: MAX_TOOLS })) });

export const responsesSchema = z.object({
  ...samplingFields,
  input: optional(z.union([z.string(), list(itemSchema)])),
  instructions: optional(z.string()),
  max_output_tokens: optional(z.union([z.literal(-1), z.number().int().positive()])).transform((limit) =>
    limit === -1 ? undefined : limit,
  ),
  tools: optional(list(toolSchema, { maxLength: MAX_TOOLS })),
  tool_choice: optional(z.union([z.string(), z.looseObject({ type: z.string() })])),
  parallel_tool_calls: optional(z.boolean()),
  text: optional(z.looseObject({ format: optional(responseFormat) })),
  /** The name that the format has on chat completions. */
  response_format: optional(responseFormat),
  reasoning: optional(z.looseObject({ effort: optional(z.string()), summary: optional(z.string()) })),
  store: optional(z.boolean()),
  previous_response_id: optional(z.string()),
  truncation: optional(z.enum(['auto', 'disabled'])),
  include: optional(list(z.string())),
  top_logprobs: optional(z.number().int().min(0).max(20)),
  metadata: optional(anyObject),
  max_tool_calls: optional(z.number()),
  safety_identifier: optional(z.string()),
  prompt_cache_key: optional(z.string()),
  chat_template_kwargs: optional(anyObject),
  background: optional(z.boolean()),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
});

export type ResponsesBody = z.output<typeof responsesSchema>;
export type Item = z.output<typeof itemSchema>;
export type ResponseTool = z.output<typeof toolSchema>;
