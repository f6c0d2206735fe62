import type { ChatEvent } from '../../inference/index.ts';
import { newId, type StartEvent, usageExtension } from '../wire/index.ts';
import { unixSeconds } from './reply.ts';
import type { ResponsesBody } from './responses-schema.ts';

export type OutputItem =
  | {
      type: 'reasoning';
      id: string;
      summary: { type: 'summary_text'; text: string }[];
      encrypted_content?: string;
    }
  | { type: 'message'; id: string; status: ItemStatus; role: 'assistant'; content: OutputText[] }
  | { type: 'function_call'; id: string; status: ItemStatus; call_id: string; name: string; arguments: string };

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

export interface OutputText {
  type: 'output_text';
  text: string;
  annotations: never[];
  logprobs: object[];
}

export interface ResponseObject {
  id: string;
  object: 'response';
  status: 'in_progress' | 'completed' | 'incomplete' | 'failed';
  completed_at: number | null;
  incomplete_details: { reason: 'max_output_tokens' } | null;
  error: { code: string; message: string } | null;
  output: OutputItem[];
  usage: object | null;
  [echoed: string]: unknown;
}

/** A response that has begun: what was asked is echoed, the rest has the values of an API that was not asked. */
export function newResponse(body: ResponsesBody): ResponseObject {
  return {
    id: newId('resp_'),
    object: 'response',
    created_at: unixSeconds(),
    completed_at: null,
    status: 'in_progress',
    incomplete_details: null,
    model: body.model,
    previous_response_id: body.previous_response_id ?? null,
    instructions: body.instructions ?? null,
    output: [],
    error: null,
    tools: body.tools ?? [],
    tool_choice: body.tool_choice ?? 'auto',
    truncation: body.truncation ?? 'disabled',
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    text: { ...body.text, format: body.text?.format ?? { type: 'text' } },
    top_p: body.top_p ?? 1,
    temperature: body.temperature ?? 1,
    presence_penalty: body.presence_penalty ?? 0,
    frequency_penalty: body.frequency_penalty ?? 0,
    top_logprobs: body.top_logprobs ?? 0,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: body.reasoning?.summary ?? null },
    usage: null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    store: body.store ?? true,
    background: false,
    service_tier: 'default',
    metadata: body.metadata ?? {},
    safety_identifier: body.safety_identifier ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
  };
}

export function responseUsage(
  end: Extract<ChatEvent, { type: 'end' }>,
  start: Pick<StartEvent, 'adapted'> | undefined,
): object {
  const { usage } = end;
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens, cache_write_tokens: 0 },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.promptTokens + usage.completionTokens,
    ...usageExtension(start, end),
  };
}
