import process from 'node:process';
import type { Grammar } from '../../inference/index.ts';
import { type Addon, unwrap } from '../native/index.ts';

/** How the trial of a grammar ended; what is wrong with one that compiles to nothing is thrown. */
export type GrammarVerdict = 'compiles' | 'too_long' | 'too_large';

export interface GrammarLimits {
  /** Of processor time. */
  cpuMs: number;
  /** Above what the process had. */
  memoryBytes: number;
}

const LOOK_MS = 10;

/**
 * Compiles a grammar in this process, which looks at itself meanwhile. Nothing stops native work, so after any other verdict than
 * `compiles` the process is of no more use and has to be ended.
 */
export async function checkGrammar(addon: Addon, grammar: Grammar, limits: GrammarLimits): Promise<GrammarVerdict> {
  const cpu = process.cpuUsage();
  const memory = process.memoryUsage.rss();
  let look: NodeJS.Timeout | undefined;
  const excess = new Promise<GrammarVerdict>((resolve) => {
    look = setInterval(() => {
      const { user, system } = process.cpuUsage(cpu);
      if ((user + system) / 1000 > limits.cpuMs) resolve('too_long');
      if (process.memoryUsage.rss() - memory > limits.memoryBytes) resolve('too_large');
    }, LOOK_MS);
  });
  const compiled = unwrap(addon.checkGrammar(grammar)).then((): GrammarVerdict => 'compiles');
  try {
    return await Promise.race([compiled, excess]);
  } finally {
    clearInterval(look);
  }
}
