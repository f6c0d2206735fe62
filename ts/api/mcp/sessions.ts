import { OmgError } from '../../errors/index.ts';
import type { HttpSession } from '../../mcp/index.ts';

interface Entry {
  session: HttpSession;
  /** Who opened it; nobody else can use it. */
  owner: string;
  /** Exchanges under way. */
  open: number;
  usedAt: number;
  /** Gives up watching over the rights of the owner. */
  release: () => void;
}

export interface SessionLimits {
  maxSessions?: number;
  idleMs?: number;
  now?: () => number;
}

/** The sessions of all clients, in memory. Idle ones end after half an hour, or earlier where many come. */
export class McpSessions {
  readonly #entries = new Map<string, Entry>();
  readonly #maxSessions: number;
  readonly #idleMs: number;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor({ maxSessions = 64, idleMs = 1_800_000, now = Date.now }: SessionLimits = {}) {
    this.#maxSessions = maxSessions;
    this.#idleMs = idleMs;
    this.#now = now;
  }

  /**
   * Makes room before it is opened. `hold` is handed what ends it before its time, and gives what is called when it has ended. Throws
   * `server_busy` where every session is in use.
   */
  async add(
    owner: string,
    open: () => Promise<HttpSession>,
    hold: (end: () => void) => () => void = () => () => {},
  ): Promise<HttpSession> {
    this.#expire();
    if (this.#entries.size >= this.#maxSessions) this.#end(this.#leastRecentlyUsed());
    const session = await open();
    const entry: Entry = { session, owner, open: 0, usedAt: this.#now(), release: hold(() => this.#end(entry)) };
    this.#entries.set(session.id, entry);
    this.#timer ??= setInterval(() => this.#expire(), Math.max(1000, this.#idleMs / 30)).unref();
    return session;
  }

  /** Another owner's session is as unknown as one that never was. */
  find(id: string, owner: string): HttpSession | undefined {
    this.#expire();
    const entry = this.#entries.get(id);
    return entry?.owner === owner ? entry.session : undefined;
  }

  /** Marks a session as in use until the returned function is called. */
  use({ id }: HttpSession): () => void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return () => {};
    entry.open += 1;
    return () => {
      entry.open -= 1;
      entry.usedAt = this.#now();
    };
  }

  delete(id: string): void {
    this.#entries.get(id)?.release();
    this.#entries.delete(id);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const sessions = [...this.#entries.values()].map(({ session }) => session);
    for (const { id } of sessions) this.delete(id);
    await Promise.all(sessions.map((session) => session.close()));
  }

  #leastRecentlyUsed(): Entry {
    const [oldest] = [...this.#entries.values()].filter(({ open }) => open === 0).sort((a, b) => a.usedAt - b.usedAt);
    if (oldest !== undefined) return oldest;
    throw new OmgError('server_busy', `The server is busy with ${this.#entries.size} MCP sessions.`);
  }

  #expire(): void {
    const before = this.#now() - this.#idleMs;
    for (const entry of [...this.#entries.values()]) if (entry.open === 0 && entry.usedAt < before) this.#end(entry);
  }

  #end({ session }: Entry): void {
    this.delete(session.id);
    session.close().catch(() => {});
  }
}
