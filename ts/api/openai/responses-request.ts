import { OmgError } from '../../errors/index.ts';
import type { ChatMessage, ChatRequest, GrammarSource, ToolDefinition } from '../../inference/index.ts';
import { type InstalledModel, requireCapability } from '../../lifecycle/index.ts';
import { type Adaptations, type AskedChoice, chooseTools, invalidChoice, requireEffort } from '../wire/index.ts';
import { readResponseFormat } from './response-format.ts';
import type { ResponsesBody, ResponseTool } from './responses-schema.ts';
import { readSampling } from './sampling-fields.ts';

/** Where the logprobs of the text are asked for by name. */
const LOGPROBS = 'message.output_text.logprobs';

/** The chat request of a conversation. Throws for everything that is asked and cannot be honoured. */
export function responsesRequest(
  body: ResponsesBody,
  model: InstalledModel,
  conversation: ChatMessage[],
  adaptations: Adaptations,
): { request: ChatRequest; contextLength?: number } {
  refuseUnsupported(body);
  const { sampling, stop, maxTokens, contextLength } = readSampling(body, model);
  const { capabilities } = model.details;
  const { tools, toolChoice } = readTools(body, adaptations);
  if (tools !== undefined) requireCapability(model, 'tools', { name: body.model, param: 'tools' });
  const effort = body.reasoning?.effort;
  const think = effort === undefined ? undefined : requireEffort(effort, 'reasoning.effort');
  const messages: ChatMessage[] = body.instructions
    ? [{ role: 'system', content: body.instructions }, ...conversation]
    : conversation;
  if (messages.length === 0) {
    throw new OmgError('invalid_request', 'input: is required', { detail: { param: 'input' } });
  }
  const top = body.top_logprobs ?? 0;
  return {
    request: {
      messages,
      tools,
      toolChoice,
      singleCall: body.parallel_tool_calls === false ? true : undefined,
      outputFormat: readFormat(body),
      think: capabilities.includes('thinking') ? think : undefined,
      sampling,
      stop,
      maxTokens: body.max_output_tokens ?? maxTokens,
      topLogprobs: top > 0 || body.include?.includes(LOGPROBS) ? top : undefined,
      onOverflow: body.truncation === 'auto' ? 'drop-turns' : 'error',
      templateVariables: body.chat_template_kwargs,
      ...adaptations.field,
    },
    contextLength,
  };
}

function refuseUnsupported(body: ResponsesBody): void {
  if (body.background === true) throw unsupported('background', 'background responses are not supported');
  for (const field of ['conversation', 'prompt'] as const) {
    if ((body[field] ?? null) !== null) throw unsupported(field, `${field} is not supported`);
  }
  if ((body.n ?? 1) > 1) throw unsupported('n', 'a response has one answer');
}

function readFormat(body: ResponsesBody): GrammarSource | undefined {
  const format = body.text?.format;
  return format === undefined
    ? readResponseFormat(body.response_format, 'response_format')
    : readResponseFormat(format, 'text.format');
}

/** Tools of OpenAI's servers. A request with nothing else asks for them, and is refused. */
const SERVER_TOOLS = new Set([
  'web_search',
  'web_search_preview',
  'image_generation',
  'file_search',
  'code_interpreter',
  'mcp',
]);

/**
 * With tool_choice `none` the model sees no tools, with `allowed_tools` some. Coding tools offer more kinds beside their own functions: such as
 * are no functions are left out, because a model that never takes an offer is a correct answer.
 */
function readTools(body: ResponsesBody, adaptations: Adaptations): Pick<ChatRequest, 'tools' | 'toolChoice'> {
  const tools = body.tools ?? [];
  const definitions = tools.flatMap((tool, index) => functionsOf(tool, `tools[${index}]`));
  const other = tools.findIndex((tool) => !isFunction(tool));
  const asksOnly = tools.length > 0 && tools.every(({ type }) => SERVER_TOOLS.has(type));
  if (asksOnly) throw unsupported(`tools[${other}]`, `tools of type "${tools[other]?.type}" are not supported`);
  if (other >= 0) adaptations.note('tools-left-out');
  return chooseTools(definitions, readChoice(body.tool_choice ?? 'auto'));
}

function isFunction({ type }: ResponseTool): boolean {
  return type === 'function' || type === 'namespace';
}

function readChoice(choice: NonNullable<ResponsesBody['tool_choice']>): AskedChoice {
  if (choice === 'none' || choice === 'auto' || choice === 'required') return { mode: choice };
  if (typeof choice === 'object') {
    if (choice.type === 'function' && typeof choice.name === 'string') return { mode: 'required', name: choice.name };
    if (choice.type === 'allowed_tools') {
      const mode = choice.mode === 'required' ? 'required' : 'auto';
      return { mode, allowed: Array.isArray(choice.tools) ? choice.tools.map(nameOf) : [] };
    }
  }
  throw invalidChoice('must be "none", "auto", "required", or name a function');
}

function nameOf(tool: unknown): unknown {
  return typeof tool === 'object' && tool !== null && 'name' in tool ? tool.name : undefined;
}

/** A function, or the members of a namespace as `group.member`; none of another kind. */
function functionsOf(tool: ResponseTool, param: string): ToolDefinition[] {
  if (tool.type === 'namespace') {
    return (tool.tools ?? []).flatMap((member, index) =>
      functionsOf({ ...member, name: `${tool.name}.${member.name}`, tools: undefined }, `${param}.tools[${index}]`),
    );
  }
  if (tool.type !== 'function') return [];
  const { name, description, parameters, strict } = tool;
  if (!name)
    throw new OmgError('invalid_request', `${param}.name: is required`, { detail: { param: `${param}.name` } });
  return [
    {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
      ...(strict === true ? { strict } : {}),
    },
  ];
}

function unsupported(param: string, message: string, hint?: string): OmgError {
  return new OmgError('unsupported', message, { hint, detail: { param } });
}
