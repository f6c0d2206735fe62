import type { FastifyReply, FastifyRequest } from 'fastify';
import { OmgError } from '../../errors/index.ts';
import type { ChatEvent, ChatMessage } from '../../inference/index.ts';
import { type Models, requireCapability } from '../../lifecycle/index.ts';
import {
  Adaptations,
  announceStart,
  disconnectSignal,
  engineOf,
  keepAliveOf,
  missingEndEvent,
  parseBody,
  sendStream,
  sse,
} from '../wire/index.ts';
import { ResponseEvents } from './responses-events.ts';
import { addItems, type InputItem, inputItems } from './responses-input.ts';
import { newResponse, type ResponseObject } from './responses-object.ts';
import { responsesRequest } from './responses-request.ts';
import { responsesSchema } from './responses-schema.ts';
import type { KeptResponses } from './responses-store.ts';

interface Context {
  reply: FastifyReply;
  builder: ResponseEvents;
  /** Keeps the finished response, where the client lets us. */
  keep: () => void;
}

/** POST /v1/responses */
export async function responses(
  models: Models,
  store: KeptResponses,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const body = parseBody(responsesSchema, request.body);
  const keepAliveMs = keepAliveOf(request, body.keep_alive);
  const model = await models.resolve(body.model);
  requireCapability(model, 'completion', { name: body.model, what: 'chat' });
  const before = body.previous_response_id === undefined ? [] : conversationOf(store, body.previous_response_id);
  const input = inputItems(body.input, (id) => store.findItem(id));
  const adaptations = new Adaptations();
  const conversation = addItems(before, input, adaptations);
  const { request: chat, contextLength } = responsesRequest(body, model, conversation, adaptations);
  const builder = new ResponseEvents(newResponse(body), {
    oneCall: body.parallel_tool_calls === false,
    logprobs: chat.topLogprobs !== undefined,
    encrypted: body.include?.includes('reasoning.encrypted_content') === true,
  });
  const keep = (): void => {
    if (body.store !== false) keepResponse(store, builder.response, input, conversation);
  };
  const events = models.chat(body.model, chat, {
    signal: disconnectSignal(reply),
    keepAliveMs,
    contextLength,
    engine: engineOf(request),
  });
  const context: Context = { reply, builder, keep };
  if (body.stream !== true) return collect(events, context);
  return sendStream(reply, frames(events, context), {
    kind: 'sse',
    failure: (error) => [...builder.fail(error)].map((event) => sse(event, event.type)).join(''),
  });
}

function conversationOf(store: KeptResponses, id: string): ChatMessage[] {
  const previous = store.get(id);
  if (previous !== undefined) return previous.conversation;
  throw new OmgError('previous_response_not_found', `There is no response ${id}.`, {
    hint: 'Responses are kept for an hour, and not beyond a restart. Send the whole conversation as input.',
    detail: { param: 'previous_response_id' },
  });
}

function keepResponse(
  store: KeptResponses,
  response: ResponseObject,
  input: InputItem[],
  conversation: ChatMessage[],
): void {
  // A call that broke off was none, and its text is in a message.
  const said = response.output.filter((item) => item.type !== 'function_call' || item.status === 'completed');
  store.put({ response, input, conversation: addItems(conversation, said, new Adaptations()) });
}

async function* frames(events: AsyncIterable<ChatEvent>, { reply, builder, keep }: Context): AsyncGenerator<string> {
  let ended = false;
  for await (const event of events) {
    if (event.type === 'start') {
      builder.begin(event);
      announceStart(reply, event);
      continue;
    }
    ended = event.type === 'end';
    const steps = [...(event.type === 'end' ? builder.finish(event) : builder.push(event))];
    // Before the last event is out: the client may ask for the response at once.
    if (ended) keep();
    if (steps.length > 0) yield steps.map((step) => sse(step, step.type)).join('');
  }
  if (!ended) throw missingEndEvent();
}

async function collect(events: AsyncIterable<ChatEvent>, { reply, builder, keep }: Context): Promise<ResponseObject> {
  let ended = false;
  for await (const event of events) {
    if (event.type === 'start') {
      builder.begin(event);
      announceStart(reply, event);
    }
    // Whole calls are enough here, and what broke never was one.
    else if (event.type === 'tool-call' || !event.type.startsWith('tool-call')) {
      ended = event.type === 'end';
      const steps = event.type === 'end' ? builder.finish(event) : builder.push(event);
      for (const _ of steps);
    }
  }
  if (!ended) throw missingEndEvent();
  keep();
  return builder.response;
}
