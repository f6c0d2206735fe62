import type { ChatMessage } from '../../inference/index.ts';

/**
 * Gives every tool result the id and the name of the call it answers: by its id (the last such call wins), else by its name,
 * else in order. Many clients send neither. Messages are changed in place.
 */
export function pairToolResults(messages: ChatMessage[]): void {
  const calls = new OpenCalls();
  for (const message of messages) {
    for (const call of message.toolCalls ?? []) calls.add(call);
    if (message.role !== 'tool') continue;
    const match =
      message.toolCallId === undefined ? calls.firstOpen(message.toolName) : calls.lastWithId(message.toolCallId);
    if (match === undefined) continue;
    match.answered = true;
    message.toolCallId ??= match.id;
    message.toolName ??= match.name;
  }
}

interface Call {
  id: string;
  name: string;
  answered: boolean;
}

/** The calls so far, found without looking at all of them: a conversation may hold thousands. */
class OpenCalls {
  readonly #all = new Line();
  readonly #byName = new Map<string, Line>();
  readonly #byId = new Map<string, Call>();

  add({ id, name }: Pick<Call, 'id' | 'name'>): void {
    const call: Call = { id, name, answered: false };
    this.#all.calls.push(call);
    const same = this.#byName.get(name) ?? new Line();
    this.#byName.set(name, same);
    same.calls.push(call);
    this.#byId.set(id, call);
  }

  firstOpen(name: string | undefined): Call | undefined {
    return name === undefined ? this.#all.firstOpen() : this.#byName.get(name)?.firstOpen();
  }

  lastWithId(id: string): Call | undefined {
    return this.#byId.get(id);
  }
}

class Line {
  readonly calls: Call[] = [];
  /** Before this one all are answered. */
  #at = 0;

  firstOpen(): Call | undefined {
    while (this.calls[this.#at]?.answered === true) this.#at += 1;
    return this.calls[this.#at];
  }
}
