import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Settings } from '../../config/index.ts';
import type { ChatEvent } from '../../inference/index.ts';
import type { Models } from '../../lifecycle/index.ts';
import {
  announceStart,
  disconnectSignal,
  engineOf,
  keepAliveOf,
  missingEndEvent,
  newId,
  parseBody,
  type StartEvent,
  sendExact,
  sendStream,
  sse,
  usageExtension,
} from '../wire/index.ts';
import { asksForCache, type EndEvent, stopFields, usageOf } from './answer.ts';
import { ContentBlocks } from './blocks.ts';
import { messagesRequest, promptRequest, resolveModel } from './chat-request.ts';
import { anthropicErrorBody } from './errors.ts';
import { countSchema, messagesSchema } from './schema.ts';

interface Context {
  reply: FastifyReply;
  model: string;
  /** The request's own stop texts. */
  stop: string[];
  oneCall: boolean;
  tellsCache: boolean;
}

/** POST /v1/messages */
export async function messages(
  models: Models,
  settings: Settings,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  reply.header('request-id', request.id);
  const body = parseBody(messagesSchema, request.body);
  const keepAliveMs = keepAliveOf(request, body.keep_alive);
  const { name, model } = await resolveModel(models, settings, body.model);
  const { request: chat, contextLength } = messagesRequest(body, model);
  const events = models.chat(name, chat, {
    signal: disconnectSignal(reply),
    keepAliveMs,
    contextLength,
    engine: engineOf(request),
  });
  const context: Context = {
    reply,
    model: body.model ?? name,
    stop: chat.stop,
    oneCall: body.tool_choice?.disable_parallel_tool_use === true,
    tellsCache: asksForCache(body),
  };
  if (body.stream !== true) return collect(events, context);
  return sendStream(reply, frames(events, context), {
    kind: 'sse',
    keepAlive: frame({ type: 'ping' }),
    failure: (error) => sse(anthropicErrorBody(error, request.id), 'error'),
  });
}

/** POST /v1/messages/count_tokens: the real template and tokenizer, no weights. */
export async function countTokens(
  models: Models,
  settings: Settings,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  reply.header('request-id', request.id);
  const body = parseBody(countSchema, request.body);
  const { name, model } = await resolveModel(models, settings, body.model);
  const signal = disconnectSignal(reply);
  const prompt = await models.renderChat(name, promptRequest(body, model), { signal });
  return { input_tokens: (await models.tokenize(name, prompt, signal)).length };
}

function frame(event: { type: string; [field: string]: unknown }): string {
  return sse(event, event.type);
}

function headOf(model: string): object {
  return { id: newId('msg_'), type: 'message', role: 'assistant', model };
}

async function* frames(events: AsyncIterable<ChatEvent>, context: Context): AsyncGenerator<string> {
  const blocks = new ContentBlocks(context.oneCall);
  const head = headOf(context.model);
  let counts = { promptTokens: 0, cachedTokens: 0, completionTokens: 0 };
  let begun: StartEvent | undefined;
  let started = false;
  /** The message starts with its first piece, so that nothing is committed before there is one. */
  const start = (): string => {
    if (started) return '';
    started = true;
    const usage = usageOf(counts, context.tellsCache);
    const message = { ...head, content: [], stop_reason: null, stop_sequence: null, usage };
    return frame({ type: 'message_start', message });
  };
  let ended = false;
  for await (const event of events) {
    if (event.type === 'start') {
      begun = event;
      announceStart(context.reply, event);
      counts = { ...counts, ...event };
    } else if (event.type === 'end') {
      ended = true;
      const stop = stopFields(event, context.stop, blocks.hasCalls);
      const usage = { ...usageOf(event.usage, context.tellsCache), ...usageExtension(begun, event) };
      const closing = [...blocks.close()].map(frame).join('');
      const last = frame({ type: 'message_delta', delta: stop, usage }) + frame({ type: 'message_stop' });
      yield start() + closing + last;
    } else {
      const text = [...blocks.push(event)].map(frame).join('');
      if (text !== '') yield start() + text;
    }
  }
  if (!ended) throw missingEndEvent();
}

async function collect(events: AsyncIterable<ChatEvent>, context: Context): Promise<string> {
  const blocks = new ContentBlocks(context.oneCall);
  let begun: StartEvent | undefined;
  let end: EndEvent | undefined;
  for await (const event of events) {
    if (event.type === 'end') end = event;
    else if (event.type === 'start') begun = event;
    // Whole calls are enough here, and what broke never was one.
    else if (event.type === 'tool-call' || !event.type.startsWith('tool-call')) {
      drain(blocks.push(event));
    }
  }
  if (end === undefined) throw missingEndEvent();
  drain(blocks.close());
  if (begun !== undefined) announceStart(context.reply, begun);
  return sendExact(context.reply, {
    ...headOf(context.model),
    content: blocks.content,
    ...stopFields(end, context.stop, blocks.hasCalls),
    usage: { ...usageOf(end.usage, context.tellsCache), ...usageExtension(begun, end) },
  });
}

function drain(steps: Iterable<unknown>): void {
  for (const _ of steps);
}
