import type { Settings } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { ChatRequest, ToolDefinition } from '../../inference/index.ts';
import type { InstalledModel, Models } from '../../lifecycle/index.ts';
import { parseOptions, requireEffort } from '../wire/index.ts';
import { readMessages } from './read-messages.ts';
import type { MessagesBody, PromptBody } from './schema.ts';

/** The model of a request and the name to use it by. Tools ask for `claude-*` models for their side work. */
export async function resolveModel(
  models: Models,
  settings: Settings,
  asked: string | undefined,
): Promise<{ name: string; model: InstalledModel }> {
  if (!asked) throw new OmgError('invalid_request', 'model is required', { detail: { param: 'model' } });
  const model = await models.resolve(asked).catch((error: unknown) => {
    if (!(error instanceof OmgError) || error.code !== 'model_not_found' || !asked.startsWith('claude-')) throw error;
    const other = settings['api.claude_model'];
    if (other !== '') return models.resolve(other);
    throw new OmgError('model_not_found', error.message, {
      hint: 'Set api.claude_model to the model that is to answer to claude-* names.',
      cause: error,
    });
  });
  if (!model.details.capabilities.includes('completion')) {
    throw new OmgError('unsupported', `"${asked}" does not support chat`, { detail: { param: 'model' } });
  }
  return { name: model.name, model };
}

/** What makes the prompt. Throws for everything that is asked and cannot be honoured. */
export function promptRequest(body: PromptBody, { details }: InstalledModel): ChatRequest {
  if ((body.output_config?.format ?? body.output_format ?? null) !== null) {
    throw unsupported(
      'output_config.format',
      'this build cannot enforce an output format yet',
      'Leave `format` out and ask for JSON in the prompt.',
    );
  }
  if ((body.mcp_servers?.length ?? 0) > 0) throw unsupported('mcp_servers', 'MCP servers are not supported here');
  const tools = readTools(body);
  if (tools !== undefined && !details.capabilities.includes('tools')) {
    throw unsupported('tools', `"${body.model}" does not support tools`);
  }
  return {
    messages: readMessages(body),
    tools,
    think: details.capabilities.includes('thinking') ? readThink(body) : undefined,
    maxReasoningTokens: body.thinking?.type === 'enabled' ? body.thinking.budget_tokens : undefined,
    sampling: {},
    stop: [],
    overlong: 'error',
  };
}

/** The whole request. What the client leaves open takes the model's own parameters. */
export function messagesRequest(
  body: MessagesBody,
  model: InstalledModel,
): { request: ChatRequest; contextLength?: number } {
  const options = parseOptions(body.options);
  const own: ChatRequest['sampling'] = {
    ...(body.temperature === undefined ? {} : { temperature: body.temperature }),
    ...(body.top_p === undefined ? {} : { topP: body.top_p }),
    ...(body.top_k === undefined ? {} : { topK: Math.trunc(body.top_k) }),
  };
  return {
    request: {
      ...promptRequest(body, model),
      sampling: { ...options.sampling, ...own },
      stop: body.stop_sequences?.filter((text) => text !== '') ?? options.stop,
      maxTokens: body.max_tokens,
    },
    contextLength: options.contextLength,
  };
}

/** With tool_choice `none` the model sees no tools; what needs a grammar is refused. */
function readTools(body: PromptBody): ToolDefinition[] | undefined {
  const tools = body.tools ?? [];
  const choice = body.tool_choice?.type ?? 'auto';
  for (const [index, { type, name }] of tools.entries()) {
    if (type !== undefined && type !== 'custom') {
      throw unsupported(
        `tools[${index}]`,
        `"${name}" (${type}) is a tool of Anthropic's servers, which has no twin here`,
      );
    }
  }
  if (choice === 'none' || tools.length === 0) return undefined;
  if (choice !== 'auto') {
    throw unsupported('tool_choice', 'this build cannot force a tool call yet', 'Use tool_choice "auto" or "none".');
  }
  return tools.map(({ name, description, input_schema: parameters }) => ({
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
  }));
}

/** An effort says how much, `thinking` says whether; a model that cannot think ignores both. */
function readThink({ thinking, output_config: config }: PromptBody): ChatRequest['think'] {
  if (thinking?.type === 'disabled') return false;
  const effort = config?.effort === undefined ? undefined : requireEffort(config.effort, 'output_config.effort');
  return thinking === undefined ? effort : effort || true;
}

function unsupported(param: string, message: string, hint?: string): OmgError {
  return new OmgError('unsupported', message, { hint, detail: { param } });
}
