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
  bytes: number;
  expiresAt: number;
}

/** Responses in memory for an hour, at most 64 MiB of them: the oldest give way, and one that is larger is not kept. */
export class ResponseStore {
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #maxBytes: number;
  readonly #keepMs: number;
  readonly #now: () => number;
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
    const bytes = Buffer.byteLength(JSON.stringify(stored));
    if (bytes > this.#maxBytes) return;
    this.#entries.set(stored.response.id, { owner, stored, bytes, expiresAt: this.#now() + this.#keepMs });
    this.#bytes += bytes;
    for (const id of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
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
    for (const entry of this.#entries.values()) {
      if (entry.owner !== owner) continue;
      const { stored } = entry;
      const found = [...stored.response.output, ...stored.input].find((item) => item.id === id);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #delete(id: string): boolean {
    this.#bytes -= this.#entries.get(id)?.bytes ?? 0;
    return this.#entries.delete(id);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#entries.clear();
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
