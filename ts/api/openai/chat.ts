import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Settings } from '../../config/index.ts';
import type { ChatEvent } from '../../inference/index.ts';
import { type Models, requireCapability } from '../../lifecycle/index.ts';
import {
  announceStart,
  disconnectSignal,
  engineOf,
  keepAliveOf,
  parseBody,
  type StartEvent,
  sendStream,
  sse,
  usageExtension,
} from '../wire/index.ts';
import { CallDeltas, callJson } from './call-deltas.ts';
import { toChatRequest } from './chat-request.ts';
import { chatSchema } from './chat-schema.ts';
import { interleave } from './interleave.ts';
import {
  FINGERPRINT,
  failureFrames,
  finishReason,
  inChoiceOrder,
  logprobContent,
  missingEndEvent,
  newId,
  timingsJson,
  unixSeconds,
  usageJson,
} from './reply.ts';
import { samplingOfChoice } from './sampling-fields.ts';

interface ChatContext {
  reply: FastifyReply;
  model: string;
  includeUsage: boolean;
  logprobs: boolean;
  /** Further calls of one answer are left out. */
  oneCall: boolean;
  reasoningField: Settings['api.reasoning_field'];
}

type EndEvent = Extract<ChatEvent, { type: 'end' }>;

/** POST /v1/chat/completions */
export async function chatCompletions(
  models: Models,
  settings: Settings,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const body = parseBody(chatSchema, request.body);
  const keepAliveMs = keepAliveOf(request, body.keep_alive);
  const model = await models.resolve(body.model);
  requireCapability(model, 'completion', { name: body.model, what: 'chat' });
  const { request: chat, contextLength } = toChatRequest(body, model);
  const signal = disconnectSignal(reply);
  const choices = Array.from({ length: body.n ?? 1 }, (_, index) =>
    models.chat(
      body.model,
      { ...chat, sampling: samplingOfChoice(chat.sampling, index) },
      { signal, keepAliveMs, contextLength, engine: engineOf(request) },
    ),
  );
  const context: ChatContext = {
    reply,
    model: body.model,
    includeUsage: body.stream_options?.include_usage === true,
    logprobs: chat.topLogprobs !== undefined,
    oneCall: body.parallel_tool_calls === false,
    reasoningField: settings['api.reasoning_field'],
  };
  if (body.stream !== true) return collect(choices, context);
  return sendStream(reply, frames(choices, context), { kind: 'sse', failure: failureFrames });
}

function chatUsage(start: StartEvent | undefined, ends: EndEvent[]): object {
  const [first] = ends;
  const usage = usageJson(ends.map((end) => end.usage));
  return first === undefined ? usage : { ...usage, ...usageExtension(start, first) };
}

/** Choices run side by side, so the times of the first are those of each. */
function chatTimings([first]: EndEvent[]): object {
  return first === undefined ? {} : { timings: timingsJson(first.usage, first.timings) };
}

function reasoningFields(text: string, field: ChatContext['reasoningField']): object {
  return {
    ...(field === 'reasoning_content' ? {} : { reasoning: text }),
    ...(field === 'reasoning' ? {} : { reasoning_content: text }),
  };
}

async function* frames(choices: AsyncIterable<ChatEvent>[], context: ChatContext): AsyncGenerator<string> {
  const head = {
    id: newId('chatcmpl-'),
    object: 'chat.completion.chunk',
    created: unixSeconds(),
    model: context.model,
    system_fingerprint: FINGERPRINT,
  };
  const usage = context.includeUsage ? { usage: null } : undefined;
  const chunk = (index: number, delta: object, more?: object, finish: string | null = null): string =>
    sse({ ...head, choices: [{ index, delta, ...more, finish_reason: finish }], ...usage });
  const opened = new Set<number>();
  const calls = choices.map(() => new CallDeltas(context.oneCall));
  const ends = new Map<number, EndEvent>();
  let start: StartEvent | undefined;
  /** The role goes out with the first piece, so that nothing is committed before there is one. */
  const open = (index: number): string => {
    if (opened.has(index)) return '';
    opened.add(index);
    return chunk(index, { role: 'assistant', content: '' });
  };
  for await (const [index, event] of interleave(choices)) {
    switch (event.type) {
      case 'start':
        start ??= event;
        announceStart(context.reply, event);
        break;
      case 'reasoning':
        yield open(index) + chunk(index, reasoningFields(event.text, context.reasoningField));
        break;
      case 'content': {
        const logprobs = context.logprobs
          ? { logprobs: { content: logprobContent(event.logprobs ?? []), refusal: null } }
          : undefined;
        yield open(index) + chunk(index, { content: event.text }, logprobs);
        break;
      }
      case 'tool-call-start':
      case 'tool-call-delta':
      case 'tool-call': {
        const entries = calls[index]?.push(event) ?? [];
        if (entries.length > 0) yield open(index) + chunk(index, { tool_calls: entries });
        break;
      }
      case 'end':
        ends.set(index, event);
        yield open(index) + chunk(index, {}, undefined, finishReason(event.reason, (calls[index]?.complete ?? 0) > 0));
    }
  }
  if (ends.size < choices.length) throw missingEndEvent();
  const sorted = inChoiceOrder(ends);
  const last = context.includeUsage
    ? sse({ ...head, choices: [], usage: chatUsage(start, sorted), ...chatTimings(sorted) })
    : '';
  yield `${last}data: [DONE]\n\n`;
}

async function collect(choices: AsyncIterable<ChatEvent>[], context: ChatContext): Promise<object> {
  const answers = choices.map(() => ({
    content: '',
    reasoning: '',
    calls: [] as object[],
    logprobs: [] as object[],
    end: undefined as EndEvent | undefined,
  }));
  let start: StartEvent | undefined;
  for await (const [index, event] of interleave(choices)) {
    const answer = answers[index];
    if (answer === undefined) continue;
    if (event.type === 'content') {
      answer.content += event.text;
      if (context.logprobs) answer.logprobs.push(...logprobContent(event.logprobs ?? []));
    } else if (event.type === 'reasoning') answer.reasoning += event.text;
    else if (event.type === 'tool-call') {
      if (!context.oneCall || answer.calls.length === 0) answer.calls.push(callJson(event.call));
    } else if (event.type === 'end') answer.end = event;
    else if (event.type === 'start') start ??= event;
  }
  const ends = answers.map(({ end }) => end).filter((end) => end !== undefined);
  if (ends.length < answers.length) throw missingEndEvent();
  if (start !== undefined) announceStart(context.reply, start);
  return {
    id: newId('chatcmpl-'),
    object: 'chat.completion',
    created: unixSeconds(),
    model: context.model,
    system_fingerprint: FINGERPRINT,
    choices: answers.map((answer, index) => ({
      index,
      message: {
        role: 'assistant',
        content: answer.content === '' && answer.calls.length > 0 ? null : answer.content,
        refusal: null,
        ...(answer.reasoning === '' ? {} : reasoningFields(answer.reasoning, context.reasoningField)),
        ...(answer.calls.length === 0 ? {} : { tool_calls: answer.calls }),
      },
      finish_reason: finishReason(answer.end?.reason ?? 'stop', answer.calls.length > 0),
      logprobs: context.logprobs ? { content: answer.logprobs, refusal: null } : null,
    })),
    usage: chatUsage(start, ends),
    ...chatTimings(ends),
  };
}
