import { z } from 'zod';
import { OmgError, shortJson } from '../../errors/index.ts';
import type { GrammarSource, ThinkLevel } from '../../inference/index.ts';
import { list, MAX_TOOLS, optional, schemaFormat, tokenIds } from '../wire/index.ts';

const anyObject = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected an object',
);

const messageSchema = z.object({
  role: z.string(),
  content: optional(z.union([z.string(), list(z.looseObject({ type: z.string() }))])),
  thinking: optional(z.string()),
  images: optional(list(z.string())),
  tool_calls: optional(
    list(
      z.object({
        id: optional(z.string()),
        function: z.object({ name: z.string(), arguments: optional(z.union([z.string(), anyObject])) }),
      }),
    ),
  ),
  tool_name: optional(z.string()),
  tool_call_id: optional(z.string()),
});

const toolSchema = z.object({
  type: optional(z.string()),
  function: z.object({ name: z.string().min(1), description: optional(z.string()), parameters: optional(anyObject) }),
});

/** Fields that /api/chat and /api/generate share. */
const inference = {
  model: optional(z.string()),
  stream: optional(z.boolean()),
  format: z.unknown().optional(),
  keep_alive: z.unknown().optional(),
  options: z.unknown().optional(),
  think: z.unknown().optional(),
  truncate: optional(z.boolean()),
  shift: optional(z.boolean()),
  logprobs: optional(z.boolean()),
  top_logprobs: optional(z.number()),
  _debug_render_only: optional(z.boolean()),
};

export const chatSchema = z.object({
  ...inference,
  messages: optional(list(messageSchema)),
  tools: optional(list(toolSchema, { maxLength: MAX_TOOLS })),
});

export const generateSchema = z.object({
  ...inference,
  prompt: optional(z.string()),
  suffix: optional(z.string()),
  system: optional(z.string()),
  template: optional(z.string()),
  context: optional(tokenIds()),
  raw: optional(z.boolean()),
  images: optional(list(z.string())),
});

export type ChatBody = z.output<typeof chatSchema>;
export type GenerateBody = z.output<typeof generateSchema>;
export type OllamaMessage = z.output<typeof messageSchema>;
export type OllamaTool = z.output<typeof toolSchema>;

const LEVELS: readonly string[] = ['low', 'medium', 'high', 'max'] satisfies ThinkLevel[];

export function parseThink(value: unknown): boolean | ThinkLevel | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && LEVELS.includes(value)) return value as ThinkLevel;
  throw new OmgError(
    'invalid_request',
    `invalid think value: ${shortJson(value)} (must be "high", "medium", "low", "max", true, or false)`,
    {
      detail: { param: 'think' },
    },
  );
}

/** Number of alternatives per token; undefined without logprobs. */
export function parseLogprobs(body: { logprobs?: boolean; top_logprobs?: number }): number | undefined {
  const top = body.top_logprobs ?? 0;
  if (!Number.isInteger(top) || top < 0 || top > 20) {
    throw new OmgError('invalid_request', 'top_logprobs must be between 0 and 20', {
      detail: { param: 'top_logprobs' },
    });
  }
  return body.logprobs === true || top > 0 ? top : undefined;
}

/** `json` is any object, as in Ollama. A schema is followed as far as it can be enforced. */
export function parseFormat(format: unknown): GrammarSource | undefined {
  if (format === undefined || format === null || format === '') return undefined;
  if (format === 'json') return { kind: 'json_object' };
  if (typeof format === 'object' && !Array.isArray(format)) return schemaFormat(format, false, 'format');
  throw new OmgError('invalid_request', 'format must be "json" or a JSON schema', { detail: { param: 'format' } });
}
