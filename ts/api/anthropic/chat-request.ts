import type { Settings } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { ChatRequest, GrammarSource } from '../../inference/index.ts';
import { type InstalledModel, type Models, requireCapability } from '../../lifecycle/index.ts';
import {
  Adaptations,
  chooseTools,
  invalidChoice,
  parseOptions,
  requireEffort,
  schemaFormat,
  unknownFormat,
} from '../wire/index.ts';
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
  requireCapability(model, 'completion', { name: asked, what: 'chat' });
  return { name: model.name, model };
}

/** What makes the prompt. Throws for everything that is asked and cannot be honoured. */
export function promptRequest(body: PromptBody, model: InstalledModel): ChatRequest {
  if ((body.mcp_servers?.length ?? 0) > 0) throw unsupported('mcp_servers', 'MCP servers are not supported here');
  const adaptations = new Adaptations();
  const { tools, toolChoice } = readTools(body, adaptations);
  if (tools !== undefined) requireCapability(model, 'tools', { name: body.model, param: 'tools' });
  return {
    messages: readMessages(body, adaptations),
    tools,
    toolChoice,
    singleCall: body.tool_choice?.disable_parallel_tool_use === true ? true : undefined,
    outputFormat: readFormat(body),
    think: model.details.capabilities.includes('thinking') ? readThink(body) : undefined,
    maxReasoningTokens: body.thinking?.type === 'enabled' ? body.thinking.budget_tokens : undefined,
    sampling: {},
    stop: [],
    onOverflow: 'error',
    ...adaptations.field,
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

/** `output_format` is the older name. */
function readFormat({ output_config: config, output_format: older }: PromptBody): GrammarSource | undefined {
  const format = config?.format ?? older;
  if (format === undefined) return undefined;
  if (format.type !== 'json_schema') throw unknownFormat(format.type, 'output_config.format');
  return schemaFormat(format.schema, true, 'output_config.format.schema');
}

/** With tool_choice `none` the model sees no tools. */
function readTools(body: PromptBody, adaptations: Adaptations): Pick<ChatRequest, 'tools' | 'toolChoice'> {
  const offered = body.tools ?? [];
  const tools = offered.filter(({ type = 'custom' }) => type === 'custom');
  const leftOut = offered.flatMap(({ type = 'custom', name }) => (type === 'custom' ? [] : [name]));
  // Tools of Anthropic's servers. Coding tools offer them, also alone; a model that never takes such an offer is a correct answer.
  if (leftOut.length > 0) adaptations.note('tools-left-out');
  const definitions = tools.map(({ name, description, input_schema: parameters, strict }) => ({
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(strict === true ? { strict } : {}),
  }));
  const { type = 'auto', name } = body.tool_choice ?? {};
  if (type === 'tool' && name === undefined) throw invalidChoice('a choice of type "tool" needs a name');
  return chooseTools(definitions, {
    mode: type === 'any' || type === 'tool' ? 'required' : type,
    name: type === 'tool' ? name : undefined,
    leftOut,
  });
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
