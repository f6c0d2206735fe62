import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseKeepAlive } from '../../config/index.ts';
import type { ChatEvent, ChatRequest } from '../../inference/index.ts';
import { type InstalledModel, type Models, requireCapability, type UseOptions } from '../../lifecycle/index.ts';
import {
  Adaptations,
  announceStart,
  argumentsObject,
  cacheMissJson,
  DEFAULT_KEEP,
  disconnectSignal,
  engineOf,
  exactNdjson,
  keepAliveOf,
  ndjson,
  parseBody,
  parseOptions,
  requireManage,
  type StartEvent,
  sendExact,
  sendStream,
} from '../wire/index.ts';
import { type AnswerEnd, doneReason, metrics, missingEndEvent, promptText, timestamp, wireLogprobs } from './answer.ts';
import { modelRequired, ollamaErrorBody, resolveModel } from './errors.ts';
import { toChatMessages, toToolDefinitions } from './messages.ts';
import { type ChatBody, chatSchema, parseFormat, parseLogprobs, parseThink } from './schema.ts';

/** POST /api/chat */
export async function chat(models: Models, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const startedAt = performance.now();
  const body = parseBody(chatSchema, request.body);
  if (!body.model) throw modelRequired();
  const name = body.model;
  const keepAliveMs = keepAliveOf(request, body.keep_alive);
  const options = parseOptions(body.options);
  const model = await resolveModel(models, name);
  requireCapability(model, 'completion', { name, what: 'chat' });
  const use: UseOptions = {
    signal: disconnectSignal(reply),
    keepAliveMs,
    engine: engineOf(request),
    contextLength: options.contextLength,
    ...(body.shift === true ? { contextShiftKeep: options.keepTokens ?? DEFAULT_KEEP } : {}),
  };
  if (body.messages === undefined || body.messages.length === 0) {
    const message = { role: 'assistant', content: '' };
    return {
      model: name,
      created_at: timestamp(),
      message,
      ...(await loadOrUnload(models, name, use, request, body.keep_alive)),
    };
  }
  const chatRequest = toChatRequest(body, name, model, options);
  if (body._debug_render_only === true) {
    const rendered = promptText(await models.renderFitted(name, chatRequest, use));
    return { model: name, created_at: timestamp(), _debug_info: { rendered_template: rendered, image_count: 0 } };
  }
  const events = models.chat(name, chatRequest, use);
  const context: ChatContext = { name, startedAt, top: chatRequest.topLogprobs, reply };
  if (body.stream === false) return collect(events, context);
  return sendStream(reply, frames(events, context), {
    kind: 'ndjson',
    failure: (error) => ndjson(ollamaErrorBody(error)),
  });
}

/** The forms without a prompt: load the model, or unload it when keep_alive is exactly 0, which `forbidden` refuses to some. */
export async function loadOrUnload(
  models: Models,
  name: string,
  use: UseOptions,
  request: FastifyRequest,
  keepAlive: unknown,
): Promise<{ done: true; done_reason: 'load' | 'unload' }> {
  if (parseKeepAlive(keepAlive) === 0) {
    requireManage(request, 'unload a model');
    await models.unload(name);
    return { done: true, done_reason: 'unload' };
  }
  await models.load(name, use);
  return { done: true, done_reason: 'load' };
}

function toChatRequest(
  body: ChatBody,
  name: string,
  model: InstalledModel,
  options: ReturnType<typeof parseOptions>,
): ChatRequest {
  const adaptations = new Adaptations();
  const outputFormat = parseFormat(body.format);
  const think = parseThink(body.think);
  if (think !== undefined && think !== false) requireCapability(model, 'thinking', { name });
  const tools = toToolDefinitions(body.tools);
  if (tools !== undefined) requireCapability(model, 'tools', { name });
  return {
    messages: toChatMessages(body.messages ?? [], name, adaptations),
    tools,
    outputFormat,
    think,
    sampling: options.sampling,
    stop: options.stop,
    maxTokens: options.maxTokens,
    topLogprobs: parseLogprobs(body),
    onOverflow: body.truncate === false ? 'error' : 'drop-turns',
    ...adaptations.field,
  };
}

interface ChatContext {
  name: string;
  startedAt: number;
  top: number | undefined;
  reply: FastifyReply;
}

function finalObject(context: ChatContext, message: object, end: AnswerEnd, start: StartEvent | undefined): object {
  const { dropped, adapted } = start ?? {};
  return {
    model: context.name,
    created_at: timestamp(),
    message,
    done: true,
    done_reason: doneReason(end),
    ...metrics(context.startedAt, end),
    ...(dropped === undefined ? {} : { truncated: true, prompt_tokens_dropped: dropped.tokens }),
    ...(adapted === undefined ? {} : { adapted }),
    ...(end.cacheMiss === undefined ? {} : { cache_miss_reason: cacheMissJson(end.cacheMiss) }),
  };
}

type CallEvent = Extract<ChatEvent, { type: 'tool-call' }>;

function wireCall({ call, index }: CallEvent): object {
  return { id: call.id, function: { index, name: call.name, arguments: argumentsObject(call.arguments) } };
}

async function* frames(events: AsyncIterable<ChatEvent>, context: ChatContext): AsyncGenerator<string> {
  const { name, top, reply } = context;
  let start: StartEvent | undefined;
  let ended = false;
  for await (const event of events) {
    if (event.type === 'start') {
      start = event;
      announceStart(reply, event);
    } else if (event.type === 'content' || event.type === 'reasoning') {
      const message =
        event.type === 'content'
          ? { role: 'assistant', content: event.text }
          : { role: 'assistant', content: '', thinking: event.text };
      const logprobs =
        event.logprobs && top !== undefined ? { logprobs: wireLogprobs(event.logprobs, top) } : undefined;
      yield ndjson({ model: name, created_at: timestamp(), message, done: false, ...logprobs });
    } else if (event.type === 'tool-call') {
      const message = { role: 'assistant', content: '', tool_calls: [wireCall(event)] };
      yield exactNdjson({ model: name, created_at: timestamp(), message, done: false });
    } else if (event.type === 'end') {
      ended = true;
      yield ndjson(finalObject(context, { role: 'assistant', content: '' }, event, start));
    }
  }
  if (!ended) throw missingEndEvent();
}

async function collect(events: AsyncIterable<ChatEvent>, context: ChatContext): Promise<string> {
  let content = '';
  let thinking = '';
  let start: StartEvent | undefined;
  let end: AnswerEnd | undefined;
  const calls: object[] = [];
  const logprobs: unknown[] = [];
  for await (const event of events) {
    if (event.type === 'start') start = event;
    else if (event.type === 'tool-call') calls.push(wireCall(event));
    else if (event.type === 'end') end = event;
    else if (event.type === 'content' || event.type === 'reasoning') {
      if (event.type === 'content') content += event.text;
      else thinking += event.text;
      if (event.logprobs && context.top !== undefined) logprobs.push(...wireLogprobs(event.logprobs, context.top));
    }
  }
  if (end === undefined) throw missingEndEvent();
  if (start !== undefined) announceStart(context.reply, start);
  const message = {
    role: 'assistant',
    content,
    ...(thinking === '' ? {} : { thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  return sendExact(context.reply, {
    ...finalObject(context, message, end, start),
    ...(context.top === undefined ? {} : { logprobs }),
  });
}
