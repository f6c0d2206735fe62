import { duration, say } from './say.mjs';

const TELL_EVERY_MS = 15_000;

/**
 * Passes on what cargo writes while it builds the engine. On a terminal that is cargo's own progress bar; elsewhere a bar would fill the log, so its
 * numbers become a line now and then.
 */
export class CargoProgress {
  #startedAt;
  #toldAt = 0;
  #hasCompiled = false;
  #isTerminal;
  #write;
  #now;
  #rest = '';

  constructor({
    isTerminal = process.stderr.isTTY === true,
    write = (text) => process.stderr.write(text),
    now = () => performance.now(),
  } = {}) {
    this.#isTerminal = isTerminal;
    this.#write = write;
    this.#now = now;
    this.#startedAt = now();
  }

  add(text) {
    if (!this.#hasCompiled && (this.#rest + text).includes('Compiling')) {
      this.#hasCompiled = true;
      this.#toldAt = this.#now();
      say('Building the engine, once: a few minutes…');
    }
    if (this.#isTerminal) this.#write(withoutSummary(text));
    else this.#addToLog(text);
  }

  /** Says how long it took, where anything was compiled. */
  end() {
    if (this.#rest !== '') this.#addToLog('\n');
    if (this.#hasCompiled) say(`Built the engine in ${duration(this.#now() - this.#startedAt)}`);
  }

  /** The bar is drawn over itself with carriage returns; what it says is taken out of the lines. */
  #addToLog(text) {
    const lines = (this.#rest + text).split(/[\r\n]+/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: cargo clears the line so
      const plain = line.replace(/\u001b\[[\d;]*[A-Za-z]/g, '').trim();
      const [, done, all] = /^Building \[[=> ]*\] (\d+)\/(\d+)/.exec(plain) ?? [];
      if (done !== undefined) this.#tell(done, all);
      else if (plain !== '' && !plain.startsWith('Finished ')) this.#write(`${plain}\n`);
    }
  }

  #tell(done, all) {
    if (!this.#hasCompiled || this.#now() - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = this.#now();
    say(`  ${done} of ${all} parts, ${duration(this.#now() - this.#startedAt)}`);
  }
}

/** Cargo says that it has finished also where it did nothing. */
function withoutSummary(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours may stand in front of the word
  return text.replace(/^(?:\u001b\[[\d;]*[mK]|\s)*Finished .*\n/gm, '');
}
