import type { ChatMessage, ChatRequest, ThinkLevel, ToolDefinition } from '../inference/index.ts';

/** The variables that Hugging Face chat templates expect. */
export interface TemplateVariables {
  messages: Record<string, unknown>[];
  tools?: Record<string, unknown>[];
  add_generation_prompt: boolean;
  [name: string]: unknown;
}

export interface VariableOptions {
  specialTokens: Record<string, string>;
  /** False: the system text goes in front of the first user message. */
  systemRole: boolean;
  /** The tools go as JSON text into a field of the system message. */
  toolsInSystem: boolean;
  /** Mistral's templates refuse call ids of any other length than nine. */
  shortCallIds: boolean;
  addGenerationPrompt: boolean;
  /** Thinking cannot be switched off: who asks for that gets the least effort. */
  leastEffort?: boolean;
}

export function templateVariables(request: ChatRequest, options: VariableOptions): TemplateVariables {
  const messages = options.systemRole ? request.messages : foldSystem(request.messages);
  const written = messages.map((message) => templateMessage(message, options.shortCallIds));
  const tools = request.tools?.map(templateTool) ?? [];
  const thinks = request.think !== false;
  return {
    ...options.specialTokens,
    // Templates test both spellings.
    enable_thinking: thinks,
    thinking: thinks,
    ...(typeof request.think === 'string' ? { reasoning_effort: effort(request.think) } : {}),
    ...(request.think === false && options.leastEffort ? { reasoning_effort: 'low' } : {}),
    ...(request.templateVariables ?? {}),
    messages: options.toolsInSystem && tools.length > 0 ? withSystemTools(written, tools) : written,
    ...(tools.length > 0 ? { tools } : {}),
    add_generation_prompt: options.addGenerationPrompt,
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

function templateMessage(message: ChatMessage, shortIds: boolean): Record<string, unknown> {
  const calls = message.toolCalls?.map((call) => ({
    id: shortIds ? shortId(call.id) : call.id,
    type: 'function',
    // Templates write the arguments with `tojson`, which wants the object and not its text.
    function: { name: call.name, arguments: parsed(call.arguments) },
  }));
  return {
    role: message.role,
    content: message.content,
    ...(message.reasoning === undefined ? {} : { reasoning_content: message.reasoning, thinking: message.reasoning }),
    ...(calls === undefined || calls.length === 0 ? {} : { tool_calls: calls }),
    ...(message.toolCallId === undefined
      ? {}
      : { tool_call_id: shortIds ? shortId(message.toolCallId) : message.toolCallId }),
    ...(message.toolName === undefined ? {} : { name: message.toolName, tool_name: message.toolName }),
  };
}

/** Messages of one role that follow each other as one, for templates that want the roles to alternate. */
export function mergeRuns(messages: ChatMessage[]): ChatMessage[] {
  const merged: ChatMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    const joins = last?.role === message.role && message.role !== 'tool' && !last.toolCalls && !message.toolCalls;
    if (last !== undefined && joins) {
      merged[merged.length - 1] = { ...last, content: `${last.content}\n\n${message.content}` };
    } else {
      merged.push(message);
    }
  }
  return merged;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch {
    return text;
  }
}

/** The last nine letters and digits: equal ids stay equal, as the template compares calls with their results. */
function shortId(id: string): string {
  return id
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(-9)
    .padStart(9, '0');
}

function foldSystem(messages: ChatMessage[]): ChatMessage[] {
  const system = messages.filter((message) => message.role === 'system').map((message) => message.content);
  const rest = messages.filter((message) => message.role !== 'system');
  if (system.length === 0) return rest;
  const text = system.join('\n\n');
  const first = rest.findIndex((message) => message.role === 'user');
  if (first < 0) return [{ role: 'user', content: text }, ...rest];
  return rest.map((message, at) => (at === first ? { ...message, content: `${text}\n\n${message.content}` } : message));
}
