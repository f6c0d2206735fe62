import type { ChatMessage } from '../../inference/index.ts';
import type { InputItem } from './responses-input.ts';
import type { ResponseObject } from './responses-object.ts';
import type { Item } from './responses-schema.ts';

export interface StoredResponse {
  response: ResponseObject;
  /** What this response was asked, without what came before it. */
  input: InputItem[];
  /** The conversation up to and with the answer, without instructions: those are of one request. */
  conversation: ChatMessage[];
}

/** The responses of one owner. */
export interface KeptResponses {
  put(stored: StoredResponse): void;
  get(id: string): StoredResponse | undefined;
  /** An item of any response, asked or answered. */
  findItem(id: string): Item | undefined;
  /** False when there was none. */
  delete(id: string): boolean;
}

export interface StoreOptions {
  maxBytes?: number;
  keepMs?: number;
  now?: () => number;
}

interface Entry {
  owner: string;
  stored: StoredResponse;
  /** What was asked and answered, by id. */
  items: Map<string, Item>;
  bytes: number;
  expiresAt: number;
}

/** Small ones take more room than their text. */
const MOST_RESPONSES = 10_000;

/** Responses in memory for an hour, at most 64 MiB and 10,000 of them: the oldest give way, and one that is larger is not kept. */
export class ResponseStore {
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #maxBytes: number;
  readonly #keepMs: number;
  readonly #now: () => number;
  /** A request may name thousands of items. */
  readonly #byItem = new Map<string, Set<Entry>>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ maxBytes = 64 * 1024 * 1024, keepMs = 3_600_000, now = Date.now }: StoreOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#keepMs = keepMs;
    this.#now = now;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What one owner sees: the others' responses are as unknown as any that never were. */
  of(owner: string): KeptResponses {
    return {
      put: (stored) => this.#put(stored, owner),
      get: (id) => this.#find(id, owner)?.stored,
      findItem: (id) => this.#findItem(id, owner),
      delete: (id) => this.#find(id, owner) !== undefined && this.#delete(id),
    };
  }

  #put(stored: StoredResponse, owner: string): void {
    this.#expire();
    const bytes = weightOf(stored);
    if (bytes > this.#maxBytes) return;
    const items = new Map([...stored.response.output, ...stored.input].map((item): [string, Item] => [item.id, item]));
    const entry: Entry = { owner, stored, items, bytes, expiresAt: this.#now() + this.#keepMs };
    this.#entries.set(stored.response.id, entry);
    for (const id of items.keys()) this.#entriesOfItem(id).add(entry);
    this.#bytes += bytes;
    for (const id of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes && this.#entries.size <= MOST_RESPONSES) break;
      this.#delete(id);
    }
    this.#wake();
  }

  #find(id: string, owner: string): Entry | undefined {
    this.#expire();
    const entry = this.#entries.get(id);
    return entry?.owner === owner ? entry : undefined;
  }

  #findItem(id: string, owner: string): Item | undefined {
    this.#expire();
    for (const entry of this.#byItem.get(id) ?? []) if (entry.owner === owner) return entry.items.get(id);
    return undefined;
  }

  #delete(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#bytes -= entry.bytes;
    for (const item of entry.items.keys()) {
      const entries = this.#entriesOfItem(item);
      entries.delete(entry);
      if (entries.size === 0) this.#byItem.delete(item);
    }
    return this.#entries.delete(id);
  }

  #entriesOfItem(id: string): Set<Entry> {
    const entries = this.#byItem.get(id) ?? new Set<Entry>();
    this.#byItem.set(id, entries);
    return entries;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#entries.clear();
    this.#byItem.clear();
    this.#bytes = 0;
  }

  #expire(): void {
    for (const [id, { expiresAt }] of this.#entries) {
      if (expiresAt > this.#now()) break;
      this.#delete(id);
    }
  }

  /** Conversations are private: they go when their time is up, not when somebody next asks. */
  #wake(): void {
    if (this.#timer !== undefined || this.#entries.size === 0) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#expire();
        this.#wake();
      },
      Math.max(1000, this.#keepMs / 60),
    );
    this.#timer.unref();
  }
}

/** Of a value that is no text itself. */
const VALUE_BYTES = 8;

/** About what a value takes in memory. To write it as JSON for its length would double it. */
function weightOf(value: unknown): number {
  let weight = 0;
  const rest = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    weight += VALUE_BYTES;
    if (typeof next === 'string') weight += next.length;
    else if (typeof next === 'object' && next !== null) {
      for (const [key, inner] of Object.entries(next)) {
        weight += key.length;
        rest.push(inner);
      }
    }
  }
  return weight;
}
