import { createHash } from 'node:crypto';
import type { ChatEvent } from '../../inference/index.ts';
import { argumentsObject } from '../wire/index.ts';

export type ContentBlock =
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown };

export type BlockEvent =
  | { type: 'content_block_start'; index: number; content_block: ContentBlock }
  | { type: 'content_block_delta'; index: number; delta: object }
  | { type: 'content_block_stop'; index: number };

type Piece = Exclude<ChatEvent, { type: 'start' | 'end' }>;

/** Chat events → content blocks and the events that build them. Indexes are dense and one block is open at a time. */
export class ContentBlocks {
  readonly content: ContentBlock[] = [];
  readonly #oneCall: boolean;
  #open = false;
  /** The call whose block is open. */
  #openCall: number | undefined;
  #calls = 0;

  /** @param oneCall further calls of the answer are left out. */
  constructor(oneCall: boolean) {
    this.#oneCall = oneCall;
  }

  /** A call is complete. */
  get hasCalls(): boolean {
    return this.#calls > 0;
  }

  *push(piece: Piece): Generator<BlockEvent> {
    if (piece.type !== 'content' && piece.type !== 'reasoning') {
      yield* this.#call(piece);
      return;
    }
    if (piece.text === '') return;
    const kind = piece.type === 'reasoning' ? 'thinking' : 'text';
    if (!this.#open || this.content.at(-1)?.type !== kind) {
      yield* this.#start(kind === 'thinking' ? { type: kind, thinking: '', signature: '' } : { type: kind, text: '' });
    }
    const block = this.content.at(-1);
    if (block?.type === 'thinking') {
      block.thinking += piece.text;
      yield this.#delta({ type: 'thinking_delta', thinking: piece.text });
    } else if (block?.type === 'text') {
      block.text += piece.text;
      yield this.#delta({ type: 'text_delta', text: piece.text });
    }
  }

  *#call(piece: Extract<Piece, { type: `tool-call${string}` }>): Generator<BlockEvent> {
    if (this.#oneCall && this.hasCalls) return;
    const isOpen = this.#openCall === piece.index;
    if (piece.type === 'tool-call-start') {
      yield* this.#start({ type: 'tool_use', id: piece.id, name: piece.name, input: {} });
      this.#openCall = piece.index;
    } else if (piece.type === 'tool-call-delta') {
      if (isOpen && piece.text !== '') yield this.#delta({ type: 'input_json_delta', partial_json: piece.text });
    } else {
      const { id, name, arguments: json } = piece.call;
      this.#calls += 1;
      if (!isOpen) {
        yield* this.#start({ type: 'tool_use', id, name, input: {} });
        yield this.#delta({ type: 'input_json_delta', partial_json: json });
      }
      const block = this.content.at(-1);
      if (block?.type === 'tool_use') block.input = argumentsObject(json);
      yield* this.close();
    }
  }

  /** Ends the open block; a block of thoughts is signed last. */
  *close(): Generator<BlockEvent> {
    if (!this.#open) return;
    const block = this.content.at(-1);
    if (block?.type === 'thinking') {
      block.signature = signatureOf(block.thinking);
      yield this.#delta({ type: 'signature_delta', signature: block.signature });
    }
    this.#open = false;
    this.#openCall = undefined;
    yield { type: 'content_block_stop', index: this.content.length - 1 };
  }

  *#start(block: ContentBlock): Generator<BlockEvent> {
    yield* this.close();
    this.content.push(block);
    this.#open = true;
    yield { type: 'content_block_start', index: this.content.length - 1, content_block: { ...block } };
  }

  #delta(delta: object): BlockEvent {
    return { type: 'content_block_delta', index: this.content.length - 1, delta };
  }
}

/** Opaque to clients, which only hand it back; it must not be empty. */
function signatureOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
