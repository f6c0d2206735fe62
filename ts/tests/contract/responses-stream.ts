import { expect } from 'vitest';

export interface ResponseItem {
  type: string;
  id: string;
  status?: string;
  summary?: { type: string; text: string }[];
  content?: { type: string; text: string; annotations: unknown[]; logprobs: unknown[] }[];
  call_id?: string;
  name?: string;
  arguments?: string;
  encrypted_content?: string;
}

export interface ResponseBody {
  id: string;
  status: string;
  output: ResponseItem[];
  error: { code: string; message: string } | null;
  incomplete_details: { reason: string } | null;
  usage: Record<string, unknown> | null;
  [field: string]: unknown;
}

interface StreamEvent {
  type: string;
  sequence_number: number;
  response: ResponseBody;
  output_index: number;
  item_id: string;
  content_index: number;
  summary_index: number;
  item: ResponseItem;
  part: { type: string; text: string };
  delta: string;
  text: string;
  name: string;
  arguments: string;
  logprobs: unknown[];
}

/** What may follow what, within an item of each kind; `*` is once or more. */
const STEPS: Record<string, string[]> = {
  reasoning: [
    'reasoning_summary_part.added',
    'reasoning_summary_text.delta*',
    'reasoning_summary_text.done',
    'reasoning_summary_part.done',
    'output_item.done',
  ],
  message: ['content_part.added', 'output_text.delta*', 'output_text.done', 'content_part.done', 'output_item.done'],
  function_call: ['function_call_arguments.delta*', 'function_call_arguments.done', 'output_item.done'],
};

/**
 * Reads a stream as a strict automaton and fails on any disorder: dense sequence numbers, created and in_progress, items
 * with dense indexes and one id each that pass through the steps of their kind, deltas that add up to what `done` says,
 * and one terminal event whose output is what the items said.
 */
export function readResponseStream(body: string): { types: string[]; response: ResponseBody; events: StreamEvent[] } {
  expect(body.endsWith('\n\n')).toBe(true);
  const events = body
    .slice(0, -2)
    .split('\n\n')
    .map((frame, index) => {
      const match = /^event: (\S+)\ndata: (.*)$/.exec(frame);
      const event = JSON.parse(match?.[2] ?? 'null') as StreamEvent;
      expect([event.type, event.sequence_number]).toEqual([match?.[1], index]);
      return event;
    });
  const [created, inProgress, ...rest] = events;
  expect([created?.type, inProgress?.type]).toEqual(['response.created', 'response.in_progress']);
  expect(created?.response).toMatchObject({ status: 'in_progress', output: [], usage: null, error: null });
  const last = rest.pop();
  expect(last?.type).toMatch(/^response\.(completed|incomplete|failed)$/);
  const done: ResponseItem[] = [];
  let open: { item: ResponseItem; step: number; text: string } | undefined;
  for (const event of rest) {
    const type = event.type.replace(/^response\./, '');
    expect(event.output_index, type).toBe(done.length);
    if (type === 'output_item.added') {
      expect(open).toBeUndefined();
      open = { item: event.item, step: 0, text: '' };
      expect(event.item).toMatchObject(event.item.type === 'reasoning' ? { summary: [] } : { status: 'in_progress' });
      continue;
    }
    if (open === undefined) throw new Error(`${type} while no item is open`);
    const steps = STEPS[open.item.type] ?? [];
    if (steps[open.step]?.endsWith('*') && steps[open.step] !== `${type}*`) open.step += 1;
    expect(steps[open.step]?.replace('*', '')).toBe(type);
    if (!steps[open.step]?.endsWith('*')) open.step += 1;
    if (type !== 'output_item.done') expect(event.item_id).toBe(open.item.id);
    if (type.includes('summary')) expect(event.summary_index).toBe(0);
    else if (type.includes('content_part') || type.includes('output_text')) expect(event.content_index).toBe(0);
    if (type.startsWith('output_text')) expect(event.logprobs).toEqual(expect.any(Array));
    if (type.endsWith('delta')) open.text += event.delta;
    if (type.endsWith('text.done')) expect(event.text).toBe(open.text);
    if (type.endsWith('part.done')) expect(event.part.text).toBe(open.text);
    if (type.endsWith('arguments.done')) expect([event.arguments, event.name]).toEqual([open.text, open.item.name]);
    if (type === 'output_item.done') {
      expect([event.item.id, event.item.type]).toEqual([open.item.id, open.item.type]);
      const { item } = event;
      expect(item.summary?.[0]?.text ?? item.content?.[0]?.text ?? item.arguments).toBe(open.text);
      done.push(event.item);
      open = undefined;
    }
  }
  if (last?.type !== 'response.failed') {
    expect(open).toBeUndefined();
    expect(last?.response.output).toEqual(done);
  }
  expect(new Set(done.map(({ id }) => id)).size).toBe(done.length);
  expect(last?.type).toBe(`response.${last?.response.status}`);
  expect(last?.response.id).toBe(created?.response.id);
  return { types: events.map(({ type }) => type), response: last?.response as ResponseBody, events };
}
