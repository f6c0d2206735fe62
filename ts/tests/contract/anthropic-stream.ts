import { expect } from 'vitest';

/** One event of a stream, its fields as loose as a client that reads them. */
export interface StreamEvent {
  type: string;
  index: number;
  message: { id: string; content: unknown[]; stop_reason: null; usage: { input_tokens: number } };
  content_block: Block;
  delta: Record<string, string> & { type: string; stop_reason: string; stop_sequence: string | null };
  usage: Record<string, number>;
  error: { type: string; message: string; code: string };
  request_id: string;
}

export interface Block {
  type: string;
  text?: string;
  thinking?: string;
  signature?: string;
  input?: unknown;
  json?: string;
}

export interface ReadMessage {
  events: StreamEvent[];
  types: string[];
  content: Block[];
  end: StreamEvent | undefined;
}

/**
 * Reads a stream as a strict automaton and fails on any disorder: one message_start, then blocks with dense indexes, one
 * open at a time, each delta of the kind its block takes, then message_delta and message_stop, or one error at the end.
 * @param isBroken whether the input of a call may be no JSON.
 */
export function readMessageStream(body: string, isBroken: (json: string) => boolean = () => false): ReadMessage {
  const frames = body.split('\n\n').filter((frame) => frame !== '');
  expect(body.endsWith('\n\n')).toBe(true);
  const events = frames.map((frame) => {
    const match = /^event: (\S+)\ndata: (.*)$/.exec(frame);
    const event = JSON.parse(match?.[2] ?? 'null') as StreamEvent;
    expect(event.type).toBe(match?.[1]);
    return event;
  });
  const content: Block[] = [];
  let state: 'new' | 'between' | 'open' | 'ending' | 'over' = 'new';
  let end: StreamEvent | undefined;
  for (const event of events.filter(({ type }) => type !== 'ping')) {
    const at = `${event.type} while ${state}`;
    expect(state, at).not.toBe('over');
    const block = content.at(-1);
    if (event.type === 'message_start') {
      expect(state, at).toBe('new');
      expect(event.message.content).toEqual([]);
      state = 'between';
    } else if (event.type === 'content_block_start') {
      expect([state, event.index], at).toEqual(['between', content.length]);
      content.push({ ...event.content_block });
      state = 'open';
    } else if (event.type === 'content_block_delta') {
      expect([state, event.index], at).toEqual(['open', content.length - 1]);
      expect(block?.signature || undefined, 'nothing follows the signature').toBeUndefined();
      applyDelta(block ?? { type: 'none' }, event.delta);
    } else if (event.type === 'content_block_stop') {
      expect([state, event.index], at).toEqual(['open', content.length - 1]);
      if (block?.type === 'thinking') expect(block.signature).not.toBe('');
      if (block?.type === 'tool_use' && !isBroken(block.json ?? '')) block.input = JSON.parse(block.json ?? '');
      delete block?.json;
      state = 'between';
    } else if (event.type === 'message_delta') {
      expect(state, at).toBe('between');
      end = event;
      state = 'ending';
    } else if (event.type === 'message_stop') {
      expect(state, at).toBe('ending');
      state = 'over';
    } else {
      expect(event.type).toBe('error');
      end = event;
      state = 'over';
    }
  }
  expect(state).toBe('over');
  return { events, types: events.map(({ type }) => type), content, end };
}

function applyDelta(block: Block, delta: StreamEvent['delta']): void {
  const kinds: Record<string, string> = {
    text_delta: 'text',
    thinking_delta: 'thinking',
    signature_delta: 'thinking',
    input_json_delta: 'tool_use',
  };
  expect(kinds[delta.type]).toBe(block.type);
  if (delta.type === 'text_delta') block.text = `${block.text}${delta.text}`;
  if (delta.type === 'thinking_delta') block.thinking = `${block.thinking}${delta.thinking}`;
  if (delta.type === 'signature_delta') block.signature = delta.signature;
  if (delta.type === 'input_json_delta') block.json = `${block.json ?? ''}${delta.partial_json}`;
}
