import type { ChatMessage, ChatRequest, ThinkLevel, ToolDefinition } from '../inference/index.ts';
import { exactJson, JsonText, parseExact } from '../inference/index.ts';
import { PLAIN_SPELLING, type Spelling } from './ladder/draft.ts';
import type { PromptVariables } from './prompt-writer.ts';

/** The variables that Hugging Face chat templates expect. */
export interface TemplateVariables {
  messages: Record<string, unknown>[];
  /** Null without tools, as transformers has it. */
  tools: Record<string, unknown>[] | null;
  add_generation_prompt: boolean;
  [name: string]: unknown;
}

export interface VariableOptions {
  specialTokens: Record<string, string>;
  /** The tools go as JSON text into a field of the system message. */
  toolsInSystem: boolean;
  /** Mistral's templates refuse call ids of any other length than nine. */
  shortCallIds: boolean;
  addGenerationPrompt: boolean;
  /** Thinking cannot be switched off: who asks for that gets the least effort. */
  leastEffort?: boolean;
  spelling?: Spelling;
  /** For a Go template, which knows thinking under other names: whether the model thinks where the request leaves that open. */
  go?: { thinks: boolean };
}

export function templateVariables(request: ChatRequest, options: VariableOptions): TemplateVariables {
  const spelling = options.spelling ?? PLAIN_SPELLING;
  const written = request.messages.map((message) => templateMessage(message, options.shortCallIds, spelling));
  const tools = request.tools?.map(templateTool) ?? [];
  const thinks = request.think !== false;
  return {
    ...options.specialTokens,
    // Templates test both spellings.
    enable_thinking: thinks,
    thinking: thinks,
    ...(typeof request.think === 'string' ? { reasoning_effort: effort(request.think) } : {}),
    ...(request.think === false && options.leastEffort ? { reasoning_effort: 'low' } : {}),
    ...(options.go === undefined ? {} : goThinking(request.think ?? (options.go.thinks ? true : undefined))),
    documents: null,
    ...(request.templateVariables ?? {}),
    messages: options.toolsInSystem && tools.length > 0 ? withSystemTools(written, tools) : written,
    tools: tools.length > 0 ? tools : null,
    add_generation_prompt: options.addGenerationPrompt,
  };
}

function goThinking(think: ChatRequest['think']): Record<string, unknown> {
  if (think === undefined) return {};
  return { think: think !== false, ...(typeof think === 'string' ? { think_level: think } : {}) };
}

/** The variables as they go to the process that renders. */
export function promptVariables(
  { messages, tools, ...others }: TemplateVariables,
  suffix: string | undefined,
): PromptVariables {
  return {
    messages: exactJson(messages),
    tools: exactJson(tools),
    ...(suffix === undefined ? {} : { gap: exactJson({ prompt: messages.at(-1)?.content ?? '', suffix }) }),
    others: exactJson(others),
  };
}

function withSystemTools(
  messages: Record<string, unknown>[],
  tools: Record<string, unknown>[],
): Record<string, unknown>[] {
  const text = JSON.stringify(tools.map((tool) => tool.function));
  const [first, ...rest] = messages;
  if (first?.role === 'system') return [{ ...first, tools: text }, ...rest];
  return [{ role: 'system', content: '', tools: text }, ...messages];
}

function effort(level: ThinkLevel): string {
  return level === 'max' ? 'high' : level;
}

function templateTool({ name, description, parameters }: ToolDefinition): Record<string, unknown> {
  return {
    type: 'function',
    function: { name, description: description ?? '', parameters: parameters ?? { type: 'object', properties: {} } },
  };
}

function templateMessage(message: ChatMessage, shortIds: boolean, spelling: Spelling): Record<string, unknown> {
  const calls = message.toolCalls?.map((call) => ({
    id: shortIds ? shortId(call.id) : call.id,
    type: 'function',
    function: { name: call.name, arguments: writtenArguments(call.arguments, spelling) },
  }));
  const withCalls = calls !== undefined && calls.length > 0;
  return {
    role: message.role,
    ...(withCalls ? contentBesideCalls(message, spelling) : { content: message.content }),
    ...(message.reasoning === undefined ? {} : { reasoning_content: message.reasoning, thinking: message.reasoning }),
    ...(withCalls ? { tool_calls: calls } : {}),
    ...(message.toolCallId === undefined
      ? {}
      : { tool_call_id: shortIds ? shortId(message.toolCallId) : message.toolCallId }),
    ...(message.toolName === undefined ? {} : { name: message.toolName, tool_name: message.toolName }),
  };
}

/** What was null or missing in the request is missing, as transformers leaves it out. */
function contentBesideCalls(
  { content, contentAbsent }: ChatMessage,
  { emptyContent }: Spelling,
): { content?: unknown } {
  if (content !== '') return { content };
  if (emptyContent === 'null') return { content: null };
  return contentAbsent === true && emptyContent === 'as-sent' ? {} : { content };
}

/**
 * Templates write the arguments with `tojson`, which wants the object and not its text; what is no object goes to them as the text that it
 * is. The object is never built here: its numbers and keys stay as they were written.
 */
function writtenArguments(text: string, { arguments: form, malformed, nulls }: Spelling): unknown {
  const written = text.trim() === '' ? '{}' : text;
  const value = objectOf(written);
  if (value === undefined) return malformed === 'object' && form === 'object' ? { arguments: text } : text;
  const kept = nulls === 'kept' ? written : exactJson(withoutNulls(value));
  return form === 'text' ? kept : new JsonText(kept);
}

function withoutNulls(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

function objectOf(text: string): object | undefined {
  try {
    const value: unknown = parseExact(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The last nine letters and digits: equal ids stay equal, as the template compares calls with their results. */
function shortId(id: string): string {
  return id
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(-9)
    .padStart(9, '0');
}
