/** What was typed before, oldest first, and where the person is leafing in it. */
export interface History {
  entries: string[];
  /** Index of the entry shown; undefined: none, the person types. */
  at: number | undefined;
  /** What stood in the field before leafing began. */
  draft: string;
}

export const HISTORY_LIMIT = 1000;

export function historyOf(entries: string[]): History {
  return { entries: entries.slice(-HISTORY_LIMIT), at: undefined, draft: '' };
}

/** Adds an entry at the end; one equal to the last is not repeated. */
export function remember(history: History, text: string): History {
  const entries = history.entries.at(-1) === text ? history.entries : [...history.entries, text];
  return historyOf(entries);
}

/** Steps back or forth; undefined when there is nothing further in that direction. */
export function browse(
  history: History,
  step: -1 | 1,
  current: string,
): { history: History; text: string } | undefined {
  const { entries, at } = history;
  if (at === undefined) {
    const last = entries.length - 1;
    const text = entries[last];
    if (step === 1 || text === undefined) return undefined;
    return { history: { entries, at: last, draft: current }, text };
  }
  const next = at + step;
  if (next >= entries.length) return { history: { entries, at: undefined, draft: '' }, text: history.draft };
  const text = entries[next];
  return text === undefined ? undefined : { history: { ...history, at: next }, text };
}

/** One JSON string per line, so that entries of several lines stay one; lines that do not parse are skipped. */
export function parseHistory(file: string): string[] {
  return file.split('\n').flatMap((line) => {
    try {
      const entry: unknown = JSON.parse(line);
      return typeof entry === 'string' ? [entry] : [];
    } catch {
      return [];
    }
  });
}

export function serializeHistory(entries: string[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
}
