import { z } from 'zod';
import { list, MAX_TOOLS, optional } from '../wire/index.ts';
import { grammarFields } from './grammar-fields.ts';
import { responseFormat } from './response-format.ts';
import { samplingFields, tokenLimit } from './sampling-fields.ts';

const anyObject = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected an object',
);

const functionSchema = z.object({
  name: z.string().min(1),
  description: optional(z.string()),
  parameters: optional(anyObject),
  strict: optional(z.boolean()),
});

const named = z.object({ name: z.string() });

/** One function, some of them, or the legacy `{ name }`. */
export const namedChoice = z.union([
  z.object({ type: z.literal('function'), function: named }),
  z.object({
    type: z.literal('allowed_tools'),
    allowed_tools: z.object({ mode: z.enum(['auto', 'required']), tools: list(z.object({ function: named })) }),
  }),
  z.object({ type: z.literal('custom'), custom: named }),
  named,
]);

const callFunction = z.object({ name: z.string(), arguments: optional(z.string()) });

const messageSchema = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: optional(z.union([z.string(), list(z.looseObject({ type: z.string() }))])),
  name: optional(z.string()),
  tool_calls: optional(
    list(
      z.union([
        z.object({ id: optional(z.string()), type: optional(z.string()), function: callFunction }),
        z.object({ id: optional(z.string()), custom: z.object({ name: z.string(), input: z.string() }) }),
      ]),
    ),
  ),
  function_call: optional(callFunction),
  tool_call_id: optional(z.string()),
  reasoning: optional(z.string()),
  reasoning_content: optional(z.string()),
});

export const chatSchema = z.object({
  ...samplingFields,
  ...grammarFields,
  messages: list(messageSchema).min(1),
  max_completion_tokens: tokenLimit,
  response_format: optional(responseFormat),
  tools: optional(
    list(z.object({ type: optional(z.string()), function: optional(functionSchema), custom: optional(named) }), {
      maxLength: MAX_TOOLS,
    }),
  ),
  tool_choice: optional(z.union([z.string(), z.looseObject({ type: z.string() })])),
  parallel_tool_calls: optional(z.boolean()),
  functions: optional(list(functionSchema, { maxLength: MAX_TOOLS })),
  function_call: optional(z.union([z.string(), anyObject])),
  reasoning_effort: optional(z.string()),
  reasoning: optional(z.looseObject({ effort: optional(z.string()) })),
  think: z.unknown().optional(),
  chat_template_kwargs: optional(anyObject),
  logprobs: optional(z.boolean()),
  top_logprobs: optional(z.number().int().min(0).max(20)),
  modalities: optional(list(z.string())),
  audio: z.unknown().optional(),
  prediction: z.unknown().optional(),
  web_search_options: z.unknown().optional(),
});

export type ChatBody = z.output<typeof chatSchema>;
export type OpenAiMessage = z.output<typeof messageSchema>;
