import type { FastifyReply, FastifyRequest } from 'fastify';
import { OmgError } from '../../errors/index.ts';
import type {
  ChatEvent,
  ChatMessage,
  ChatRequest,
  GenerateEvent,
  GenerateRequest,
  PromptSegment,
} from '../../inference/index.ts';
import { type InstalledModel, type Models, requireCapability, type UseOptions } from '../../lifecycle/index.ts';
import {
  DEFAULT_KEEP,
  disconnectSignal,
  engineOf,
  insertPrompt,
  keepAliveOf,
  ndjson,
  parseBody,
  parseOptions,
  sendStream,
} from '../wire/index.ts';
import { type AnswerEnd, doneReason, metrics, missingEndEvent, promptText, timestamp, wireLogprobs } from './answer.ts';
import { loadOrUnload } from './chat.ts';
import { ollamaErrorBody, resolveModel } from './errors.ts';
import { refuseImages } from './messages.ts';
import { type GenerateBody, generateSchema, parseFormat, parseLogprobs, parseThink } from './schema.ts';

/** Longer token lists are left out of `context`. */
const MAX_CONTEXT_TOKENS = 32_768;

/** POST /api/generate */
export async function generate(models: Models, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const startedAt = performance.now();
  const body = parseBody(generateSchema, request.body);
  const name = body.model ?? '';
  const keepAliveMs = keepAliveOf(request, body.keep_alive);
  const options = parseOptions(body.options);
  const model = await resolveModel(models, name);
  requireCapability(model, 'completion', { name, what: 'generate' });
  const use: UseOptions = {
    signal: disconnectSignal(reply),
    keepAliveMs,
    engine: engineOf(request),
    contextLength: options.contextLength,
    ...(body.shift === true ? { contextShiftKeep: options.keepTokens ?? DEFAULT_KEEP } : {}),
  };
  if ((body.prompt ?? '') === '' && (body.suffix ?? '') === '') {
    return {
      model: name,
      created_at: timestamp(),
      response: '',
      ...(await loadOrUnload(models, name, use, request, body.keep_alive)),
    };
  }
  const format = parseFormat(body.format);
  const think = parseThink(body.think);
  if (think !== undefined && think !== false) requireCapability(model, 'thinking', { name });
  if ((body.images?.length ?? 0) > 0) refuseImages(name, 'images');
  const { sampling, stop, maxTokens } = options;
  const top = parseLogprobs(body);
  const common = { sampling, stop, maxTokens, topLogprobs: top };
  const messages: ChatMessage[] = [
    ...(body.system ? [{ role: 'system' as const, content: body.system }] : []),
    { role: 'user', content: body.prompt ?? '' },
  ];
  const template = body.template ? { template: body.template } : {};
  const chatRequest: ChatRequest = {
    ...common,
    ...template,
    messages,
    think,
    outputFormat: format,
    onOverflow: 'error',
  };
  const prompt = await rawPrompt({ models, model, name, body, chatRequest, signal: use.signal });
  if (body._debug_render_only === true) {
    const rendered = promptText(prompt ?? (await models.renderChat(name, chatRequest, use)));
    return {
      model: name,
      created_at: timestamp(),
      response: '',
      _debug_info: { rendered_template: rendered, image_count: 0 },
    };
  }
  const isRaw = body.raw === true;
  const before = body.context ?? [];
  let segments = prompt;
  if (segments === undefined && before.length > 0) {
    segments = await models.renderChat(name, chatRequest, use);
  }
  const generateRequest: GenerateRequest | undefined =
    segments === undefined
      ? undefined
      : {
          ...common,
          prompt: before.length > 0 ? [{ kind: 'tokens', tokens: before }, ...segments] : segments,
          grammar: format,
        };
  const events: AsyncIterable<ChatEvent | GenerateEvent> =
    generateRequest === undefined
      ? models.chat(name, chatRequest, use)
      : models.run('generate', name, generateRequest, use);
  const promptSegments = async (): Promise<PromptSegment[]> =>
    generateRequest?.prompt ?? models.renderChat(name, chatRequest, use);
  const answer: Answer = {
    name,
    startedAt,
    top,
    context: isRaw
      ? async () => undefined
      : (text, end) => contextOf(models, name, promptSegments, text, end, use.signal),
  };
  if (body.stream === false) return collect(events, answer);
  return sendStream(reply, frames(events, answer), {
    kind: 'ndjson',
    failure: (error) => ndjson(ollamaErrorBody(error)),
  });
}

interface Asked {
  models: Models;
  model: InstalledModel;
  name: string;
  body: GenerateBody;
  chatRequest: ChatRequest;
  signal: AbortSignal | undefined;
}

/** The prompt where it is no chat: raw, or a gap to be filled. */
async function rawPrompt(asked: Asked): Promise<PromptSegment[] | undefined> {
  const { models, model, name, body, chatRequest, signal } = asked;
  const prompt = body.prompt ?? '';
  if (body.raw === true) {
    if (body.template || body.system || (body.context?.length ?? 0) > 0) {
      throw new OmgError('invalid_request', 'raw mode does not support template, system, or context', {
        detail: { param: 'raw' },
      });
    }
    if (body.suffix) {
      throw new OmgError('invalid_request', 'raw mode does not support suffix', {
        hint: 'Write the fill-in-the-middle tokens of the model into the prompt, or leave `raw` out.',
        detail: { param: 'raw' },
      });
    }
    return [{ kind: 'text', text: prompt, parseSpecial: true }];
  }
  if (!body.suffix) return undefined;
  if (body.template) return models.renderChat(name, { ...chatRequest, suffix: body.suffix }, { signal });
  return insertPrompt(models, model, name, { before: prompt, after: body.suffix }, signal);
}

/** Prompt and answer as token ids, for the next request of a client without a chat. */
async function contextOf(
  models: Models,
  name: string,
  prompt: () => Promise<PromptSegment[]>,
  text: string,
  end: AnswerEnd,
  signal: AbortSignal | undefined,
): Promise<number[] | undefined> {
  if (end.usage.promptTokens + end.usage.completionTokens > MAX_CONTEXT_TOKENS) return undefined;
  return models.tokenize(name, [...(await prompt()), { kind: 'text', text, parseSpecial: false }], signal);
}

interface Answer {
  name: string;
  startedAt: number;
  top: number | undefined;
  context: (text: string, end: AnswerEnd) => Promise<number[] | undefined>;
}

async function* frames(events: AsyncIterable<ChatEvent | GenerateEvent>, answer: Answer): AsyncGenerator<string> {
  let whole = '';
  let ended = false;
  for await (const event of events) {
    if (event.type === 'end') {
      ended = true;
      yield ndjson(await finalObject(answer, '', whole, event));
    } else if (event.type === 'text' || event.type === 'content' || event.type === 'reasoning') {
      const piece = event.type === 'reasoning' ? { response: '', thinking: event.text } : { response: event.text };
      if (event.type !== 'reasoning') whole += event.text;
      const logprobs =
        event.logprobs && answer.top !== undefined ? { logprobs: wireLogprobs(event.logprobs, answer.top) } : undefined;
      yield ndjson({ model: answer.name, created_at: timestamp(), ...piece, done: false, ...logprobs });
    }
  }
  if (!ended) throw missingEndEvent();
}

async function collect(events: AsyncIterable<ChatEvent | GenerateEvent>, answer: Answer): Promise<object> {
  let response = '';
  let thinking = '';
  let end: AnswerEnd | undefined;
  const logprobs: unknown[] = [];
  for await (const event of events) {
    if (event.type === 'end') end = event;
    else if (event.type === 'text' || event.type === 'content' || event.type === 'reasoning') {
      if (event.type === 'reasoning') thinking += event.text;
      else response += event.text;
      if (event.logprobs && answer.top !== undefined) logprobs.push(...wireLogprobs(event.logprobs, answer.top));
    }
  }
  if (end === undefined) throw missingEndEvent();
  const final = await finalObject(answer, response, response, end);
  return { ...final, ...(thinking === '' ? {} : { thinking }), ...(answer.top === undefined ? {} : { logprobs }) };
}

async function finalObject(answer: Answer, response: string, whole: string, end: AnswerEnd): Promise<object> {
  const reason = doneReason(end);
  const numbers = metrics(answer.startedAt, end);
  const context = await answer.context(whole, end);
  return {
    model: answer.name,
    created_at: timestamp(),
    response,
    done: true,
    done_reason: reason,
    ...(context === undefined ? {} : { context }),
    ...numbers,
  };
}
