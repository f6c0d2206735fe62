import { OmgError } from '../../errors/index.ts';
import type { ChatRequest, ToolDefinition } from '../../inference/index.ts';
import type { InstalledModel } from '../../lifecycle/index.ts';
import { requireEffort, thinkOfEffort } from '../wire/index.ts';
import { toChatMessages } from './chat-messages.ts';
import type { ChatBody } from './chat-schema.ts';
import { readSampling } from './sampling-fields.ts';

/** The chat request of one choice. Throws for everything that is asked and cannot be honoured. */
export function toChatRequest(body: ChatBody, model: InstalledModel): { request: ChatRequest; contextLength?: number } {
  refuseUnsupported(body);
  const { sampling, stop, maxTokens, contextLength } = readSampling(body, model);
  const tools = readTools(body);
  if (tools !== undefined && !model.details.capabilities.includes('tools'))
    throw unsupported('tools', `"${body.model}" does not support tools`);
  const top = body.top_logprobs ?? 0;
  return {
    request: {
      messages: toChatMessages(body.messages),
      tools,
      think: readThink(body, model.details.capabilities.includes('thinking')),
      sampling,
      stop,
      maxTokens: body.max_completion_tokens ?? maxTokens,
      topLogprobs: body.logprobs === true || top > 0 ? top : undefined,
      overlong: 'error',
      templateVariables: body.chat_template_kwargs,
    },
    contextLength,
  };
}

function refuseUnsupported(body: ChatBody): void {
  const format = body.response_format?.type;
  if (format === 'json_object' || format === 'json_schema') {
    throw unsupported(
      'response_format',
      'this build cannot enforce an output format yet',
      'Leave `response_format` out and ask for JSON in the prompt.',
    );
  }
  if (format !== undefined && format !== 'text') {
    throw new OmgError('invalid_request', `response_format: unknown type "${format}"`, {
      detail: { param: 'response_format' },
    });
  }
  if (body.modalities?.some((modality) => modality !== 'text'))
    throw unsupported('modalities', 'only text can be generated here');
  for (const field of ['audio', 'prediction', 'web_search_options'] as const) {
    if (body[field] !== undefined && body[field] !== null) throw unsupported(field, `${field} is not supported`);
  }
}

/** Also the legacy `functions`. With tool_choice `none` the model sees no tools; what needs a grammar is refused. */
function readTools(body: ChatBody): ToolDefinition[] | undefined {
  const definitions = [
    ...(body.tools ?? []).map((tool, index) => {
      if (tool.function === undefined || (tool.type ?? 'function') !== 'function') {
        throw unsupported(`tools[${index}]`, `tools of type "${tool.type}" are not supported`);
      }
      return tool.function;
    }),
    ...(body.functions ?? []),
  ];
  const choice = body.tool_choice ?? body.function_call ?? 'auto';
  if (choice === 'none' || definitions.length === 0) return undefined;
  if (choice !== 'auto') {
    throw unsupported('tool_choice', 'this build cannot force a tool call yet', 'Use tool_choice "auto" or "none".');
  }
  return definitions.map(({ name, description, parameters }) => ({
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
  }));
}

/** An effort is a wish, so a model that cannot think ignores it; `think` is a demand. */
function readThink(body: ChatBody, canThink: boolean): ChatRequest['think'] {
  if (body.think !== undefined && body.think !== null) {
    const think = typeof body.think === 'boolean' ? body.think : thinkOfEffort(String(body.think));
    if (think === undefined)
      throw new OmgError('invalid_request', 'think: must be true, false, or an effort', { detail: { param: 'think' } });
    if (think !== false && !canThink) throw unsupported('think', `"${body.model}" does not support thinking`);
    return think;
  }
  const effort = body.reasoning?.effort ?? body.reasoning_effort;
  if (effort === undefined) return undefined;
  const think = requireEffort(effort, 'reasoning_effort');
  return canThink ? think : undefined;
}

function unsupported(param: string, message: string, hint?: string): OmgError {
  return new OmgError('unsupported', message, { hint, detail: { param } });
}
