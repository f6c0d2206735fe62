import type { PullLine } from '../../client/index.ts';
import { padEnd, padStart, truncate } from '../terminal/text.ts';
import { formatBytes, formatElapsed } from '../terminal/units.ts';

export interface TransferFile {
  label: string;
  total: number;
  completed: number;
  /** Where it was found instead of being fetched. */
  origin?: PullLine['origin'];
}

/** What is known about a download, built from its progress lines. */
export class Transfer {
  readonly files = new Map<string, TransferFile>();
  /** The step that is under way, such as `verifying sha256 digest`. */
  status = '';
  readonly #speed: SpeedMeter;
  /** What the headers of the model say, once they are read. */
  model: PullLine['model'];
  /** Bytes of each file that did not come with this download. */
  readonly #present = new Map<string, number>();

  constructor(now: () => number = () => performance.now()) {
    this.#speed = new SpeedMeter(now);
  }

  add(line: PullLine): void {
    this.status = line.status;
    this.model = line.model ?? this.model;
    const { digest, total, origin } = line;
    if (digest === undefined || total === undefined) return;
    const label = line.file ?? line.status.replace(/^pulling\s+/, '');
    const completed = line.completed ?? 0;
    // Lines without the name of the file are those of Ollama's routes, which do not say what was there before.
    const first = line.file === undefined ? (this.#present.get(digest) ?? completed) : 0;
    this.#present.set(digest, origin === undefined ? (line.resumed ?? first) : total);
    this.files.set(digest, { label, total, completed, ...(origin === undefined ? {} : { origin }) });
    this.#speed.add(this.received);
  }

  get total(): number {
    return sum([...this.files.values()].map(({ total }) => total));
  }

  get completed(): number {
    return sum([...this.files.values()].map(({ completed }) => completed));
  }

  /** Bytes that came over the network with this download. */
  get received(): number {
    return Math.max(0, this.completed - sum([...this.#present.values()]));
  }

  /** Bytes that were found somewhere on this machine. */
  found(origin: NonNullable<PullLine['origin']>): number {
    return sum([...this.files.values()].filter((file) => file.origin === origin).map(({ total }) => total));
  }

  /** Bytes that an earlier download had brought. */
  get resumed(): number {
    const files = [...this.files].filter(([, { origin }]) => origin === undefined);
    return sum(files.map(([digest]) => this.#present.get(digest) ?? 0));
  }

  get isComplete(): boolean {
    return this.files.size > 0 && this.completed >= this.total;
  }

  /** Bytes per second over the last seconds; undefined while too little is known. */
  get bytesPerSecond(): number | undefined {
    return this.#speed.perSecond();
  }

  get remainingMs(): number | undefined {
    const speed = this.bytesPerSecond;
    return speed === undefined || speed <= 0 ? undefined : ((this.total - this.completed) / speed) * 1000;
  }
}

const WINDOW_MS = 5000;
const LEAST_MS = 250;

/** Speed over a sliding window, so that it follows a change and does not jump with every packet. */
class SpeedMeter {
  readonly #now: () => number;
  #samples: { at: number; bytes: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  add(bytes: number): void {
    const at = this.#now();
    this.#samples = [...this.#samples.filter((sample) => at - sample.at <= WINDOW_MS), { at, bytes }];
  }

  perSecond(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.at - first.at < LEAST_MS) return undefined;
    return ((last.bytes - first.bytes) / (last.at - first.at)) * 1000;
  }
}

const LABEL_COLUMNS = 28;
const NUMBERS_COLUMNS = 20;

/** A row per file and, for more than one, a row for all: bar, bytes, speed and time left. At most `columns` wide. */
export function transferRows(transfer: Transfer, columns: number): string[] {
  const files = [...transfer.files.values()];
  const rate = rateOf(transfer);
  if (files.length === 1 && files[0]) return [barRow(files[0], rate, columns)];
  // The bars are as wide as that of the last row, which has more to say.
  const rows = files.map((file) => barRow(file, ' '.repeat(rate.length), columns));
  if (files.length > 1)
    rows.push(barRow({ label: 'in all', total: transfer.total, completed: transfer.completed }, rate, columns));
  return rows.length > 0 ? rows : [truncate(`${transfer.status}…`, columns)];
}

function rateOf(transfer: Transfer): string {
  if (transfer.isComplete) return transfer.status.startsWith('pulling') ? '' : transfer.status;
  const { bytesPerSecond, remainingMs } = transfer;
  if (bytesPerSecond === undefined) return '';
  return `${formatBytes(bytesPerSecond)}/s${remainingMs === undefined ? '' : `, ${formatElapsed(remainingMs)} left`}`;
}

function barRow({ label, total, completed }: TransferFile, rate: string, columns: number): string {
  const share = total === 0 ? 1 : Math.min(1, completed / total);
  const numbers = padStart(`${formatBytes(completed)} / ${formatBytes(total)}`, NUMBERS_COLUMNS);
  const name = padEnd(truncate(label, LABEL_COLUMNS), Math.min(LABEL_COLUMNS, Math.floor(columns / 3)));
  const text = `${padStart(`${Math.floor(share * 100)}%`, 4)} ${numbers}${rate === '' ? '' : `  ${rate}`}`;
  const width = columns - name.length - text.length - 4;
  const bar = width >= 6 ? ` ${barOf(share, Math.min(30, width))} ` : ' ';
  return truncate(`${name}${bar}${text}`, columns).trimEnd();
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

function barOf(share: number, columns: number): string {
  const eighths = Math.round(share * columns * 8);
  const filled = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
  return `▕${padEnd(filled, columns)}▏`;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
