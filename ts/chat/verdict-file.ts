import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { readRegularFile, VERSION, writeFileAtomically } from '../config/index.ts';
import type { TemplateVerdict } from './template-verdict.ts';

/** To be raised when the same version comes to say something else of a template. */
const RULES = 1;
const MOST_KEPT = 1024;
const LARGEST_FILE = 2 ** 20;
/** Characters; templates choose the words with which they refuse. */
const LONGEST_REASON = 300;
/** What took too much time or memory may have met a machine that had neither. */
const KEPT_MS = 24 * 3600_000;
const SOON_MS = 1_000;

const flag = z.boolean();
const abilities = z.strictObject({
  system: flag,
  tools: flag,
  toolsInSystem: flag,
  thinking: flag,
  thinkingSwitch: flag,
  shortCallIds: flag,
  insert: flag,
});
const entrySchema = z.union([
  z.strictObject({ abilities }),
  z.strictObject({ unusable: z.string().max(LONGEST_REASON), until: z.number().optional() }),
]);
const fileSchema = z.object({
  version: z.literal(`${VERSION}/${RULES}`),
  verdicts: z.record(z.string().regex(/^[\da-f]{64}$/), z.unknown()),
});

/** Verdicts on templates that later daemons go by as well, so that a hostile one does not take its time at every start. */
export class VerdictFile {
  readonly #path: string;
  #timer: NodeJS.Timeout | undefined;
  #pending: (() => ReadonlyMap<string, TemplateVerdict>) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Never throws: without a file, or with one that is not understood or of another version, nothing is known. */
  async read(): Promise<[string, TemplateVerdict][]> {
    const read = await readRegularFile(this.#path, LARGEST_FILE);
    if (read === undefined || 'refused' in read) return [];
    try {
      const { verdicts } = fileSchema.parse(JSON.parse(read.text));
      return Object.entries(verdicts)
        .slice(-MOST_KEPT)
        .flatMap(([digest, entry]): [string, TemplateVerdict][] => {
          const { data } = entrySchema.safeParse(entry);
          if (data === undefined) return [];
          if ('abilities' in data) return [[digest, data]];
          if (data.until !== undefined && !(data.until > Date.now())) return [];
          return [[digest, { ...data, lasting: true }]];
        });
    } catch {
      return [];
    }
  }

  /** Writes before long what `verdicts` gives then. */
  writeSoon(verdicts: () => ReadonlyMap<string, TemplateVerdict>): void {
    this.#pending = verdicts;
    this.#timer ??= setTimeout(() => this.#write(), SOON_MS).unref();
  }

  /** Resolves when all is written, or could not be. */
  async close(): Promise<void> {
    this.#write();
    await this.#writing;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const verdicts = this.#pending?.();
    this.#pending = undefined;
    if (verdicts === undefined) return;
    const text = `${JSON.stringify({ version: `${VERSION}/${RULES}`, verdicts: entriesOf(verdicts) })}\n`;
    this.#writing = this.#writing
      .then(() => mkdir(dirname(this.#path), { recursive: true, mode: 0o700 }))
      .then(() => writeFileAtomically(this.#path, text, { mode: 0o600 }))
      // On a full or read-only disk the next daemon finds out for itself.
      .catch(() => {});
  }
}

function entriesOf(verdicts: ReadonlyMap<string, TemplateVerdict>): Record<string, z.output<typeof entrySchema>> {
  const lasting = [...verdicts].filter(([, verdict]) => 'abilities' in verdict || verdict.lasting);
  return Object.fromEntries(
    lasting.slice(-MOST_KEPT).map(([digest, verdict]) => {
      if ('abilities' in verdict) return [digest, verdict];
      const { unusable, until } = verdict;
      return [
        digest,
        { unusable: unusable.slice(0, LONGEST_REASON).toWellFormed(), ...(until === undefined ? {} : { until }) },
      ];
    }),
  );
}

/** When a verdict that time or memory may have brought about is to be looked into again. */
export function expiry(): number {
  return Date.now() + KEPT_MS;
}
