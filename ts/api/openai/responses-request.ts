import { OmgError } from '../../errors/index.ts';
import type { ChatMessage, ChatRequest, ToolDefinition } from '../../inference/index.ts';
import type { InstalledModel } from '../../lifecycle/index.ts';
import { requireEffort } from '../wire/index.ts';
import type { ResponsesBody, ResponseTool } from './responses-schema.ts';
import { readSampling } from './sampling-fields.ts';

/** Where the logprobs of the text are asked for by name. */
const LOGPROBS = 'message.output_text.logprobs';

/** The chat request of a conversation. Throws for everything that is asked and cannot be honoured. */
export function responsesRequest(
  body: ResponsesBody,
  model: InstalledModel,
  conversation: ChatMessage[],
): { request: ChatRequest; contextLength?: number } {
  refuseUnsupported(body);
  const { sampling, stop, maxTokens, contextLength } = readSampling(body, model);
  const { capabilities } = model.details;
  const tools = readTools(body);
  if (tools !== undefined && !capabilities.includes('tools')) {
    throw unsupported('tools', `"${body.model}" does not support tools`);
  }
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
      think: capabilities.includes('thinking') ? think : undefined,
      sampling,
      stop,
      maxTokens: body.max_output_tokens ?? maxTokens,
      topLogprobs: top > 0 || body.include?.includes(LOGPROBS) ? top : undefined,
      overlong: body.truncation === 'auto' ? 'drop-turns' : 'error',
      templateVariables: body.chat_template_kwargs,
    },
    contextLength,
  };
}

function refuseUnsupported(body: ResponsesBody): void {
  const format = body.text?.format?.type ?? 'text';
  if (format === 'json_object' || format === 'json_schema') {
    throw unsupported(
      'text.format',
      'this build cannot enforce an output format yet',
      'Leave `text.format` out and ask for JSON in the prompt.',
    );
  }
  if (format !== 'text') {
    throw new OmgError('invalid_request', `text.format: unknown type "${format}"`, {
      detail: { param: 'text.format' },
    });
  }
  if (body.background === true) throw unsupported('background', 'background responses are not supported');
  for (const field of ['conversation', 'prompt'] as const) {
    if ((body[field] ?? null) !== null) throw unsupported(field, `${field} is not supported`);
  }
  if ((body.n ?? 1) > 1) throw unsupported('n', 'a response has one answer');
}

/** With tool_choice `none` the model sees no tools, with `allowed_tools` some; what needs a grammar is refused. */
function readTools(body: ResponsesBody): ToolDefinition[] | undefined {
  const definitions = (body.tools ?? []).flatMap((tool, index) => functionsOf(tool, `tools[${index}]`));
  const choice = body.tool_choice ?? 'auto';
  if (choice === 'none' || definitions.length === 0) return undefined;
  if (choice === 'auto') return definitions;
  if (typeof choice === 'object' && choice.type === 'allowed_tools' && choice.mode !== 'required') {
    const names = new Set(Array.isArray(choice.tools) ? choice.tools.map(nameOf) : []);
    const allowed = definitions.filter(({ name }) => names.has(name));
    return allowed.length === 0 ? undefined : allowed;
  }
  throw unsupported('tool_choice', 'this build cannot force a tool call yet', 'Use tool_choice "auto" or "none".');
}

function nameOf(tool: unknown): unknown {
  return typeof tool === 'object' && tool !== null && 'name' in tool ? tool.name : undefined;
}

/** A function, or the members of a namespace as `group.member`. */
function functionsOf(tool: ResponseTool, param: string): ToolDefinition[] {
  if (tool.type === 'namespace') {
    return (tool.tools ?? []).flatMap((member, index) =>
      functionsOf({ ...member, name: `${tool.name}.${member.name}`, tools: undefined }, `${param}.tools[${index}]`),
    );
  }
  if (tool.type !== 'function') throw unsupported(param, `tools of type "${tool.type}" are not supported`);
  const { name, description, parameters } = tool;
  if (!name)
    throw new OmgError('invalid_request', `${param}.name: is required`, { detail: { param: `${param}.name` } });
  return [
    {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
    },
  ];
}

function unsupported(param: string, message: string, hint?: string): OmgError {
  return new OmgError('unsupported', message, { hint, detail: { param } });
}
