import type { OmgError } from '../../errors/index.ts';
import type { ChatEvent } from '../../inference/index.ts';
import { cutOff, isArguments, newId, type StartEvent } from '../wire/index.ts';
import { openAiErrorBody } from './errors.ts';
import { logprobContent, unixSeconds } from './reply.ts';
import { type ItemStatus, type OutputItem, type ResponseObject, responseUsage } from './responses-object.ts';
import { encryptedContent } from './responses-reasoning.ts';

export interface ResponseEvent {
  type: string;
  sequence_number: number;
  [field: string]: unknown;
}

interface Options {
  /** Further calls of the answer are left out. */
  oneCall: boolean;
  logprobs: boolean;
  /** Reasoning items carry their text for clients that keep the conversation themselves. */
  encrypted: boolean;
}

type Piece = Exclude<ChatEvent, { type: 'start' | 'end' }>;
type CallPiece = Extract<Piece, { type: `tool-call${string}` }>;
type EndEvent = Extract<ChatEvent, { type: 'end' }>;

/**
 * Chat events → the events of a response, and the response they build. Sequence numbers and output indexes are dense, one
 * item is open at a time, and the last event is one of completed, incomplete or failed.
 */
export class ResponseEvents {
  readonly response: ResponseObject;
  readonly #options: Options;
  #start: StartEvent | undefined;
  #sequence = 0;
  #open = false;
  /** The call whose item is open. */
  #openIndex: number | undefined;
  /** Calls that are complete. */
  #calls = 0;

  constructor(response: ResponseObject, options: Options) {
    this.response = response;
    this.#options = options;
  }

  /** What the answer began with; it goes into the usage. */
  begin(start: StartEvent): void {
    this.#start = start;
  }

  *push(piece: Piece): Generator<ResponseEvent> {
    if (piece.type === 'reasoning') {
      if (piece.text !== '') yield* this.#reason(piece.text);
    } else if (piece.type !== 'content') yield* this.#call(piece);
    else if (piece.text !== '') yield* this.#say(piece);
  }

  *#call(piece: CallPiece): Generator<ResponseEvent> {
    if (this.#options.oneCall && this.#calls > 0) return;
    if (piece.type === 'tool-call-start') yield* this.#openCall(piece.index, piece.id, piece.name);
    else if (piece.type === 'tool-call-delta') {
      if (this.#openIndex === piece.index) yield* this.#addArguments(piece.text);
    } else {
      this.#calls += 1;
      const { id, name, arguments: json } = piece.call;
      if (this.#openIndex !== piece.index) {
        yield* this.#openCall(piece.index, id, name);
        yield* this.#addArguments(json);
      }
      yield* this.#close(isArguments(json) ? 'completed' : 'incomplete');
    }
  }

  *#openCall(index: number, id: string, name: string): Generator<ResponseEvent> {
    const item = { type: 'function_call', id: newId('fc_'), status: 'in_progress', call_id: id, name } as const;
    yield* this.#add({ ...item, arguments: '' });
    this.#openIndex = index;
  }

  *#addArguments(json: string): Generator<ResponseEvent> {
    const call = this.#last('function_call');
    if (call === undefined || json === '') return;
    call.arguments += json;
    yield this.#itemEvent('response.function_call_arguments.delta', { delta: json });
  }

  *finish(end: EndEvent): Generator<ResponseEvent> {
    if (end.reason === 'cancelled') throw cutOff();
    const status = end.reason === 'length' ? 'incomplete' : 'completed';
    // Clients read the text of the first message without asking whether there is one.
    if (this.response.output.length === 0) yield* this.#openMessage();
    yield* this.#close(status);
    this.response.status = status;
    this.response.usage = responseUsage(end, this.#start);
    if (status === 'incomplete') this.response.incomplete_details = { reason: 'max_output_tokens' };
    else this.response.completed_at = unixSeconds();
    yield this.#event(`response.${status}`, { response: this.#snapshot() });
  }

  /** What ends the stream after an error, whatever came before it. */
  *fail(error: OmgError): Generator<ResponseEvent> {
    yield* this.#begin();
    const last = this.response.output.at(-1);
    if (this.#open && last !== undefined && last.type !== 'reasoning') last.status = 'incomplete';
    this.response.status = 'failed';
    this.response.error = { code: errorCode(error), message: openAiErrorBody(error).error.message };
    yield this.#event('response.failed', { response: this.#snapshot() });
  }

  *#begin(): Generator<ResponseEvent> {
    if (this.#sequence > 0) return;
    const response = this.#snapshot();
    yield this.#event('response.created', { response });
    yield this.#event('response.in_progress', { response });
  }

  /** The response as it is now. What the request brought stays as it was written, which a clone could not hold (`JSON.rawJSON`), and nobody changes it. */
  #snapshot(): typeof this.response {
    return { ...this.response, output: structuredClone(this.response.output) };
  }

  *#reason(text: string): Generator<ResponseEvent> {
    if (!this.#open || this.#last('reasoning') === undefined) {
      yield* this.#add({ type: 'reasoning', id: newId('rs_'), summary: [] });
      this.#last('reasoning')?.summary.push({ type: 'summary_text', text: '' });
      const part = { type: 'summary_text', text: '' };
      yield this.#itemEvent('response.reasoning_summary_part.added', { summary_index: 0, part });
    }
    const part = this.#last('reasoning')?.summary[0];
    if (part !== undefined) part.text += text;
    yield this.#itemEvent('response.reasoning_summary_text.delta', { summary_index: 0, delta: text });
  }

  *#say(piece: Extract<Piece, { type: 'content' }>): Generator<ResponseEvent> {
    if (!this.#open || this.#last('message') === undefined) yield* this.#openMessage();
    const logprobs = this.#options.logprobs ? logprobContent(piece.logprobs ?? []) : [];
    const part = this.#last('message')?.content[0];
    part?.logprobs.push(...logprobs);
    if (part !== undefined) part.text += piece.text;
    yield this.#itemEvent('response.output_text.delta', { content_index: 0, delta: piece.text, logprobs });
  }

  *#openMessage(): Generator<ResponseEvent> {
    const empty = { type: 'output_text' as const, text: '', annotations: [], logprobs: [] };
    yield* this.#add({ type: 'message', id: newId('msg_'), status: 'in_progress', role: 'assistant', content: [] });
    this.#last('message')?.content.push(structuredClone(empty));
    yield this.#itemEvent('response.content_part.added', { content_index: 0, part: empty });
  }

  *#add(item: OutputItem): Generator<ResponseEvent> {
    yield* this.#begin();
    yield* this.#close('completed');
    this.response.output.push(item);
    this.#open = true;
    const output_index = this.response.output.length - 1;
    yield this.#event('response.output_item.added', { output_index, item: structuredClone(item) });
  }

  *#close(status: ItemStatus): Generator<ResponseEvent> {
    const item = this.response.output.at(-1);
    if (!this.#open || item === undefined) return;
    this.#open = false;
    this.#openIndex = undefined;
    if (item.type === 'reasoning') {
      const text = item.summary[0]?.text ?? '';
      const part = { type: 'summary_text', text };
      if (this.#options.encrypted) item.encrypted_content = encryptedContent(text);
      yield this.#itemEvent('response.reasoning_summary_text.done', { summary_index: 0, text });
      yield this.#itemEvent('response.reasoning_summary_part.done', { summary_index: 0, part });
    } else {
      item.status = status;
      if (item.type === 'function_call') {
        const { name, arguments: json } = item;
        yield this.#itemEvent('response.function_call_arguments.done', { name, arguments: json });
      } else {
        const part = structuredClone(item.content[0]);
        const { text, logprobs } = part ?? {};
        yield this.#itemEvent('response.output_text.done', { content_index: 0, text, logprobs });
        yield this.#itemEvent('response.content_part.done', { content_index: 0, part });
      }
    }
    const output_index = this.response.output.length - 1;
    yield this.#event('response.output_item.done', { output_index, item: structuredClone(item) });
  }

  #last<Type extends OutputItem['type']>(type: Type): Extract<OutputItem, { type: Type }> | undefined {
    const item = this.response.output.at(-1);
    return item?.type === type ? (item as Extract<OutputItem, { type: Type }>) : undefined;
  }

  #itemEvent(type: string, fields: object): ResponseEvent {
    const output_index = this.response.output.length - 1;
    return this.#event(type, { item_id: this.response.output[output_index]?.id, output_index, ...fields });
  }

  #event(type: string, fields: object): ResponseEvent {
    return { type, sequence_number: this.#sequence++, ...fields };
  }
}

/** The API has a closed list of codes; the message says more. */
function errorCode(error: OmgError): string {
  if (error.code === 'server_busy' || error.status === 429) return 'rate_limit_exceeded';
  return error.status < 500 && error.code !== 'cancelled' ? 'invalid_prompt' : 'server_error';
}
