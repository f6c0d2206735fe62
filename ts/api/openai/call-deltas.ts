import type { ChatEvent, ToolCall } from '../../inference/index.ts';

export type CallEvent = Extract<ChatEvent, { type: `tool-call${string}` }>;

/** The events of calls → entries of `delta.tool_calls`: first id and name, then pieces of the arguments. */
export class CallDeltas {
  readonly #oneCall: boolean;
  /** Calls whose pieces went out. */
  readonly #begun = new Set<number>();
  /** Calls whose whole text went out. */
  complete = 0;

  /** @param oneCall further calls of the answer are left out. */
  constructor(oneCall: boolean) {
    this.#oneCall = oneCall;
  }

  push(event: CallEvent): object[] {
    const { index } = event;
    if (this.#oneCall && this.complete > 0) return [];
    if (event.type === 'tool-call-start') {
      this.#begun.add(index);
      return [{ index, ...callJson({ id: event.id, name: event.name, arguments: '' }) }];
    }
    if (event.type === 'tool-call-delta') {
      return this.#begun.has(index) && event.text !== '' ? [{ index, function: { arguments: event.text } }] : [];
    }
    this.complete += 1;
    return this.#begun.has(index) ? [] : [{ index, ...callJson(event.call) }];
  }
}

export function callJson(call: ToolCall): object {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } };
}
