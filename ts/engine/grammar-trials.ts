import { createHash } from 'node:crypto';
import { OmgError } from '../errors/index.ts';
import { exactJson, type Grammar } from '../inference/index.ts';
import { isPlainGrammar } from './plain-grammar.ts';
import type { GrammarLimits } from './runner/grammar-check.ts';
import type { RunnerProcess } from './runner-process.ts';
import { TrialLine } from './trial-line.ts';

export interface GrammarTrialsOptions {
  start: () => Promise<RunnerProcess>;
  /** Most of what a grammar may take. Default 2,000. */
  cpuMs?: number;
  /** However busy the machine is. Default 5,000. */
  wallMs?: number;
  /** Default 256 MiB. */
  memoryBytes?: number;
}

/** Those that nearly all grammars keep to; one that does not goes to the end of a second line. */
const QUICK: { cpuMs: number; wallMs: number } = { cpuMs: 150, wallMs: 1_500 };

/** Characters as JSON; the engine takes no more. */
const LONGEST_GRAMMAR = 1 << 20;
const VERDICTS_KEPT = 256;

/**
 * Compiles grammars in processes that can be ended, before a model sees them. Compilation cannot be stopped, neither its time nor its
 * memory can be told beforehand, and in a runner it would take everybody's. Verdicts are remembered.
 */
export class GrammarTrials {
  readonly #quick: TrialLine;
  readonly #thorough: TrialLine;
  readonly #wallMs: number;
  readonly #limits: GrammarLimits;
  /** By digest, oldest first; undefined: it compiles. */
  readonly #verdicts = new Map<string, OmgError | undefined>();

  constructor({ start, cpuMs = 2_000, wallMs = 5_000, memoryBytes = 256 * 2 ** 20 }: GrammarTrialsOptions) {
    this.#quick = new TrialLine(start);
    this.#thorough = new TrialLine(start);
    this.#wallMs = wallMs;
    this.#limits = { cpuMs, memoryBytes };
  }

  /** Throws `invalid_request` for a grammar that does not compile within the limits, `server_busy` when too many wait, `cancelled`. */
  async check(grammar: Grammar, signal?: AbortSignal): Promise<void> {
    if (isPlainGrammar(grammar)) return;
    const { after: _, ...source } = grammar;
    const digest = digestOf(source);
    if (this.#verdicts.has(digest)) {
      const verdict = this.#verdicts.get(digest);
      this.#remember(digest, verdict);
      if (verdict !== undefined) throw OmgError.fromData(verdict.toData());
      return;
    }
    try {
      await this.#try(source, signal);
    } catch (error) {
      const verdict = OmgError.from(error);
      if (verdict.code === 'invalid_request') this.#remember(digest, verdict);
      throw verdict;
    }
    this.#remember(digest, undefined);
  }

  async close(): Promise<void> {
    await Promise.all([this.#quick.close(), this.#thorough.close()]);
  }

  async #try(source: Grammar, signal: AbortSignal | undefined): Promise<void> {
    const { memoryBytes } = this.#limits;
    const quick = await this.#quick.run(source, { limits: { ...QUICK, memoryBytes }, wallMs: QUICK.wallMs, signal });
    if (quick === 'compiles') return;
    if (quick === 'too_large') throw tooCostly('memory');
    const thorough = await this.#thorough.run(source, { limits: this.#limits, wallMs: this.#wallMs, signal });
    if (thorough === 'too_long') throw tooCostly('time');
    if (thorough === 'too_large') throw tooCostly('memory');
    if (thorough === 'late') {
      throw new OmgError('server_busy', 'The grammar could not be prepared in time, because the machine is busy.', {
        hint: 'Try again later, or make the grammar smaller.',
      });
    }
  }

  #remember(digest: string, verdict: OmgError | undefined): void {
    this.#verdicts.delete(digest);
    this.#verdicts.set(digest, verdict);
    const [oldest] = this.#verdicts.keys();
    if (this.#verdicts.size > VERDICTS_KEPT && oldest !== undefined) this.#verdicts.delete(oldest);
  }
}

function digestOf(source: Grammar): string {
  let text: string;
  try {
    text = exactJson(source);
  } catch (cause) {
    throw new OmgError('invalid_request', 'The grammar is nested too deeply.', { cause });
  }
  if (text.length > LONGEST_GRAMMAR) {
    throw new OmgError('invalid_request', `The grammar has ${text.length} characters, it can have ${LONGEST_GRAMMAR}.`);
  }
  return createHash('sha256').update(text).digest('base64');
}

function tooCostly(what: 'memory' | 'time'): OmgError {
  return new OmgError('invalid_request', `The grammar is too complex: compiling it takes too much ${what}.`, {
    hint: 'Make it smaller: fewer alternatives, shorter repetitions, fewer patterns that must hold together.',
  });
}
