import { z } from 'zod';
import { list, MAX_STOPS, MAX_TOOLS, optional } from '../wire/index.ts';

const anyObject = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected an object',
);

/** A block of any kind; what its kind needs is checked where it is read. */
const blockSchema = z.looseObject({ type: z.string() });

const messageSchema = z.object({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string(), list(blockSchema)]),
});

const toolSchema = z.looseObject({
  type: optional(z.string()),
  name: z.string().min(1),
  description: optional(z.string()),
  input_schema: optional(anyObject),
  strict: optional(z.boolean()),
});

const formatSchema = z.looseObject({ type: z.string(), schema: optional(anyObject) });

/** What messages and their token count have in common: all that makes the prompt. */
const promptFields = {
  model: optional(z.string()),
  messages: list(messageSchema).min(1),
  system: optional(z.union([z.string(), list(blockSchema)])),
  tools: optional(list(toolSchema, { maxLength: MAX_TOOLS })),
  tool_choice: optional(
    z.object({
      type: z.enum(['auto', 'any', 'tool', 'none']),
      name: optional(z.string()),
      disable_parallel_tool_use: optional(z.boolean()),
    }),
  ),
  thinking: optional(
    z.object({
      type: z.enum(['enabled', 'disabled', 'adaptive']),
      budget_tokens: optional(z.number().int().positive()),
    }),
  ),
  output_config: optional(z.object({ effort: optional(z.string()), format: optional(formatSchema) })),
  output_format: optional(formatSchema),
  mcp_servers: optional(list(z.unknown())),
  cache_control: z.unknown().optional(),
};

export const countSchema = z.object(promptFields);

export const messagesSchema = z.object({
  ...promptFields,
  /** −1, as clients of other servers send it, is as many as there is room for. */
  max_tokens: z
    .union([z.literal(-1), z.number().int().positive()])
    .transform((limit) => (limit === -1 ? undefined : limit)),
  stream: optional(z.boolean()),
  temperature: optional(z.number().min(0).max(2)),
  top_p: optional(z.number().min(0).max(1)),
  top_k: optional(z.number()),
  stop_sequences: optional(list(z.string(), { maxLength: MAX_STOPS })),
  /** Extensions, as on the other surfaces. */
  options: z.unknown().optional(),
  keep_alive: z.unknown().optional(),
});

export type Block = z.output<typeof blockSchema>;
export type WireMessage = z.output<typeof messageSchema>;
export type PromptBody = z.output<typeof countSchema>;
export type MessagesBody = z.output<typeof messagesSchema>;
