import { OmgError } from '../../errors/index.ts';
import type { ChatRequest, GrammarSource } from '../../inference/index.ts';
import { type InstalledModel, requireCapability } from '../../lifecycle/index.ts';
import {
  Adaptations,
  type AskedChoice,
  chooseTools,
  invalidChoice,
  requireEffort,
  thinkOfEffort,
} from '../wire/index.ts';
import { toChatMessages } from './chat-messages.ts';
import { type ChatBody, namedChoice } from './chat-schema.ts';
import { readGrammar } from './grammar-fields.ts';
import { readResponseFormat } from './response-format.ts';
import { readSampling } from './sampling-fields.ts';

/** The chat request of one choice. Throws for everything that is asked and cannot be honoured. */
export function toChatRequest(body: ChatBody, model: InstalledModel): { request: ChatRequest; contextLength?: number } {
  refuseUnsupported(body);
  const { sampling, stop, maxTokens, contextLength } = readSampling(body, model);
  const adaptations = new Adaptations();
  const { tools, toolChoice } = readTools(body, adaptations);
  if (tools !== undefined) requireCapability(model, 'tools', { name: body.model, param: 'tools' });
  const top = body.top_logprobs ?? 0;
  return {
    request: {
      messages: toChatMessages(body.messages, adaptations),
      tools,
      toolChoice,
      singleCall: body.parallel_tool_calls === false ? true : undefined,
      outputFormat: readGrammar(body, readFormat(body)),
      think: readThink(body, model),
      sampling,
      stop,
      maxTokens: body.max_completion_tokens ?? maxTokens,
      topLogprobs: body.logprobs === true || top > 0 ? top : undefined,
      onOverflow: 'error',
      templateVariables: body.chat_template_kwargs,
      ...adaptations.field,
    },
    contextLength,
  };
}

function refuseUnsupported(body: ChatBody): void {
  if (body.modalities?.some((modality) => modality !== 'text'))
    throw unsupported('modalities', 'only text can be generated here');
  for (const field of ['audio', 'prediction', 'web_search_options'] as const) {
    if (body[field] !== undefined && body[field] !== null) throw unsupported(field, `${field} is not supported`);
  }
}

function readFormat({ response_format: format }: ChatBody): GrammarSource | undefined {
  return readResponseFormat(format, 'response_format');
}

/** Also the legacy `functions`. With tool_choice `none` the model sees no tools. */
function readTools(body: ChatBody, adaptations: Adaptations): Pick<ChatRequest, 'tools' | 'toolChoice'> {
  const offered = body.tools ?? [];
  const functions = offered.flatMap(({ type = 'function', function: definition }, index) => {
    if (type !== 'function') return [];
    if (definition !== undefined) return [definition];
    throw unsupported(`tools[${index}]`, 'a tool of type "function" needs a function');
  });
  const leftOut = offered.flatMap(({ type = 'function', custom }) => (type === 'function' ? [] : [custom?.name]));
  // Coding tools offer more than functions; a model that never takes such an offer is a correct answer.
  if (leftOut.length > 0) adaptations.note('tools-left-out');
  const definitions = [...functions, ...(body.functions ?? [])];
  const tools = definitions.map(({ name, description, parameters, strict }) => ({
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(strict === true ? { strict } : {}),
  }));
  return chooseTools(tools, { ...readChoice(body), leftOut });
}

function readChoice({ tool_choice, function_call }: ChatBody): AskedChoice {
  const choice = tool_choice ?? function_call ?? 'auto';
  if (choice === 'none' || choice === 'auto' || choice === 'required') return { mode: choice };
  const parsed = namedChoice.safeParse(choice);
  if (!parsed.success) throw invalidChoice('must be "none", "auto", "required", or name a function');
  if ('allowed_tools' in parsed.data) {
    const { mode, tools } = parsed.data.allowed_tools;
    return { mode, allowed: tools.map((tool) => tool.function.name) };
  }
  if ('custom' in parsed.data) return { mode: 'required', name: parsed.data.custom.name };
  return { mode: 'required', name: 'function' in parsed.data ? parsed.data.function.name : parsed.data.name };
}

/** An effort is a wish, so a model that cannot think ignores it; `think` is a demand. */
function readThink(body: ChatBody, model: InstalledModel): ChatRequest['think'] {
  if (body.think !== undefined && body.think !== null) {
    const think = typeof body.think === 'boolean' ? body.think : thinkOfEffort(String(body.think));
    if (think === undefined)
      throw new OmgError('invalid_request', 'think: must be true, false, or an effort', { detail: { param: 'think' } });
    if (think !== false) requireCapability(model, 'thinking', { name: body.model, param: 'think' });
    return think;
  }
  const effort = body.reasoning?.effort ?? body.reasoning_effort;
  if (effort === undefined) return undefined;
  const think = requireEffort(effort, 'reasoning_effort');
  return model.details.capabilities.includes('thinking') ? think : undefined;
}

function unsupported(param: string, message: string, hint?: string): OmgError {
  return new OmgError('unsupported', message, { hint, detail: { param } });
}
