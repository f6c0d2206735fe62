import type { Writable } from 'node:stream';
import { OmgError, printable, printableJson } from '../errors/index.ts';
import { type Style, styleOf } from './terminal/style.ts';
import { type Column, formatPairs, formatTable } from './terminal/table.ts';
import { widthOf } from './terminal/text.ts';

export interface Stream extends Writable {
  isTTY?: boolean;
  columns?: number;
  hasColors?: () => boolean;
}

export interface PrinterOptions {
  stdout: Stream;
  stderr: Stream;
  isQuiet?: boolean;
  isJson?: boolean;
  /** Escape sequences may be sent to stdout and stderr. */
  colour?: { stdout: boolean; stderr: boolean };
}

/**
 * The only way out of a command. Data goes to stdout; what happens along the way goes to stderr and not at all with --quiet. With --json
 * the data is one JSON value and nothing else, and exact. What is for people is `printable` whoever wrote it, also in a pipe; only a
 * whole text that was asked for alone is exact there.
 */
export class Printer {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly isQuiet: boolean;
  readonly isJson: boolean;
  readonly style: Style;
  readonly #errorStyle: Style;
  readonly #hints: string[] = [];

  constructor(options: PrinterOptions) {
    this.stdout = options.stdout;
    this.stderr = options.stderr;
    this.isQuiet = options.isQuiet ?? false;
    this.isJson = options.isJson ?? false;
    this.style = styleOf(options.colour?.stdout ?? false);
    this.#errorStyle = styleOf(options.colour?.stderr ?? false);
  }

  /** Bars and spinners can be drawn on stderr. */
  get canDraw(): boolean {
    return this.stderr.isTTY === true && !this.isQuiet;
  }

  /** Data for people, in one line or more. */
  line(text = ''): void {
    this.styled(printable(text));
  }

  /** A line that was put together with `style`. What a stranger wrote in it has gone through `printable`. */
  styled(text: string): void {
    this.stdout.write(`${text}\n`);
  }

  /** A whole text of somebody else's: exact for a file or another program, not a byte more; a terminal gets it as lines for people. */
  text(text: string): void {
    if (this.stdout.isTTY === true) this.line(text.trimEnd());
    else this.stdout.write(text);
  }

  json(value: unknown): void {
    this.stdout.write(`${printableJson(JSON.stringify(value, null, 2))}\n`);
  }

  /** With --json, before the value: how far a command is, as a value in a line of its own. */
  jsonLine(value: unknown): void {
    this.stdout.write(`${printableJson(JSON.stringify(value))}\n`);
  }

  /** With --quiet a list is its names alone. False: it is to be shown in full. */
  namesOnly(names: readonly string[]): boolean {
    if (this.isQuiet) for (const name of names) this.line(name);
    return this.isQuiet;
  }

  table(columns: Column[], rows: string[][]): void {
    const [titles = '', ...lines] = formatTable(columns, rows, widthOf(this.stdout));
    this.styled(this.style.dim(titles));
    for (const line of lines) this.styled(line);
  }

  pairs(title: string, pairs: [string, string][]): void {
    if (pairs.length === 0) return;
    this.styled(this.style.bold(title));
    for (const line of formatPairs(pairs, { width: widthOf(this.stdout) })) this.styled(line);
  }

  /** What a command did, or does now. */
  status(text: string): void {
    if (!this.isQuiet) this.stderr.write(`${printable(text)}\n`);
  }

  /** The same, set back. */
  note(text: string): void {
    if (!this.isQuiet) this.stderr.write(`${this.#errorStyle.dim(printable(text))}\n`);
  }

  warn(text: string): void {
    if (!this.isQuiet) this.stderr.write(`${this.#errorStyle.yellow('warning:')} ${printable(text)}\n`);
  }

  /** Advice that is shown after everything else. */
  hint(text: string): void {
    this.#hints.push(text);
  }

  /** An error after which the command goes on. */
  problem({ message, hint }: OmgError): void {
    this.stderr.write(`${this.#errorStyle.red('error:')} ${printable(message)}\n`);
    if (hint !== undefined) this.hint(hint);
  }

  /** Reports the failure of a command. Returns the exit code. */
  fail(error: unknown): number {
    const failure = OmgError.from(error);
    if (this.isJson) this.json({ error: failure.toData() });
    this.stderr.write(`${this.#errorStyle.red('error:')} ${printable(failure.message)}\n`);
    if (failure.code === 'internal' && failure.cause instanceof Error && failure.cause.stack) {
      this.stderr.write(`${this.#errorStyle.dim(printable(failure.cause.stack))}\n`);
    }
    if (failure.hint !== undefined) this.hint(failure.hint);
    return failure.exitCode;
  }

  /** Prints the hints. Called once, last. */
  finish(): void {
    if (this.isQuiet) return;
    for (const text of new Set(this.#hints.splice(0))) {
      this.stderr.write(`${this.#errorStyle.cyan('hint:')} ${printable(text)}\n`);
    }
  }
}
