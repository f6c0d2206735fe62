import type { ModelOutline, PullLine } from '../../client/index.ts';
import { OmgError, printableLine } from '../../errors/index.ts';
import type { Printer } from '../printer.ts';
import { formatBytes, formatElapsed } from '../terminal/units.ts';
import { Transfer, transferRows } from './transfer.ts';

const REDRAW_MS = 100;

/** Shows the progress of a download while it is read, and what came of it: nothing with --quiet. */
export async function showTransfer(printer: Printer, lines: AsyncIterable<PullLine>): Promise<Transfer> {
  const started = performance.now();
  const transfer = new Transfer();
  try {
    await follow(printer, lines, transfer);
  } catch (error) {
    const { completed, total } = transfer;
    if (OmgError.from(error).code === 'cancelled' && completed > 0) {
      printer.status(
        `Stopped at ${formatBytes(completed)} of ${formatBytes(total)}. The same command goes on from there.`,
      );
    }
    throw error;
  }
  for (const text of summaries(transfer, performance.now() - started)) printer.status(text);
  return transfer;
}

/** Shows how far some work on local files is. */
export async function showWork(printer: Printer, lines: AsyncIterable<PullLine>): Promise<void> {
  await follow(printer, lines, new Transfer());
}

/** Shows how far some work on one file is, which reports the bytes that are done. */
export async function showFileWork<T>(
  printer: Printer,
  status: string,
  file: string,
  total: number,
  work: (report: (bytes: number) => void) => Promise<T>,
): Promise<T> {
  const transfer = new Transfer();
  const view = printer.canDraw ? drawnView(printer, transfer) : plainView(printer, transfer);
  const report = (completed: number) => {
    transfer.add({ status, file: printableLine(file), digest: file, total, completed });
    view.update();
  };
  try {
    report(0);
    return await work(report);
  } finally {
    view.close();
  }
}

/** Bars on a terminal, a line per file and step elsewhere. */
async function follow(printer: Printer, lines: AsyncIterable<PullLine>, transfer: Transfer): Promise<void> {
  const view = printer.canDraw ? drawnView(printer, transfer) : plainView(printer, transfer);
  const jsonLines = jsonProgress(printer, transfer);
  try {
    for await (const line of lines) {
      if (line.model !== undefined) {
        view.clear();
        printer.status(outlineText(line.model));
      }
      transfer.add(clean(line));
      jsonLines(line);
      view.update();
    }
  } finally {
    view.close();
  }
}

/** What came, and what did not have to. */
function summaries(transfer: Transfer, elapsedMs: number): string[] {
  const { received, resumed } = transfer;
  const before = resumed > 0 ? ` (${formatBytes(resumed)} had come before)` : '';
  const adopted: [string, number][] = [
    ['the Hugging Face cache', transfer.found('hugging-face')],
    ['Ollama’s models', transfer.found('ollama')],
  ];
  const shared = transfer.found('store');
  return [
    ...(received > 0 ? [`Downloaded ${formatBytes(received)} in ${formatElapsed(elapsedMs)}${before}.`] : []),
    ...adopted.flatMap(([from, bytes]) => (bytes > 0 ? [`Adopted ${formatBytes(bytes)} from ${from}.`] : [])),
    ...(shared > 0 && shared < transfer.total ? [`${formatBytes(shared)} were here already.`] : []),
  ];
}

/** Such as `qwen3 4.0B Q4_K_M, 2.5 GB, needs 3.1 GB of memory: fits`. */
export function outlineText({ size, memory, ...model }: Partial<ModelOutline> & { size: number }): string {
  const what = [model.family, model.parameter_size, model.quantization].filter(Boolean).join(' ');
  const needs =
    memory === undefined
      ? undefined
      : memory.fits
        ? `fits into memory (needs ${formatBytes(memory.total)})`
        : `does not fit into memory: it needs ${formatBytes(memory.total)}, ${formatBytes(memory.available)} are free`;
  return [what, formatBytes(size), needs].filter(Boolean).join(', ');
}

const JSON_EVERY_MS = 500;

/** With --json a line for every step and, for files, twice a second. */
function jsonProgress(printer: Printer, transfer: Transfer): (line: PullLine) => void {
  if (!printer.isJson) return () => {};
  let last = '';
  let toldAt = Number.NEGATIVE_INFINITY;
  return ({ status, model }) => {
    const step = status.startsWith('pulling ') && transfer.total > 0 ? 'downloading' : status;
    const now = performance.now();
    if (step === last && now - toldAt < JSON_EVERY_MS) return;
    last = step;
    toldAt = now;
    const { completed, total, received } = transfer;
    printer.jsonLine({ status: step, completed, total, received, ...(model === undefined ? {} : { model }) });
  };
}

function clean(line: PullLine): PullLine {
  return {
    ...line,
    status: printableLine(line.status),
    ...(line.file === undefined ? {} : { file: printableLine(line.file) }),
  };
}

interface TransferView {
  update: () => void;
  /** Takes away what is drawn, for a line of text. */
  clear: () => void;
  close: () => void;
}

function drawnView(printer: Printer, transfer: Transfer): TransferView {
  const { stderr } = printer;
  let drawn = 0;
  let last = Number.NEGATIVE_INFINITY;
  const draw = () => {
    const rows = transferRows(transfer, Math.max(20, (stderr.columns ?? 80) - 1));
    const up = drawn > 0 ? `\u001b[${drawn}A` : '';
    stderr.write(`${up}\r\u001b[J${rows.join('\n')}\n`);
    drawn = rows.length;
  };
  return {
    update: () => {
      const now = performance.now();
      if (now - last < REDRAW_MS) return;
      last = now;
      draw();
    },
    clear: () => {
      if (drawn > 0) stderr.write(`\u001b[${drawn}A\r\u001b[J`);
      drawn = 0;
    },
    close: draw,
  };
}

function plainView(printer: Printer, transfer: Transfer): TransferView {
  const announced = new Set<string>();
  let status = '';
  return {
    update: () => {
      for (const [digest, { label, total }] of transfer.files) {
        if (announced.has(digest)) continue;
        announced.add(digest);
        printer.status(`${transfer.status.replace(/^pulling .*/, 'pulling')} ${label} (${formatBytes(total)})`);
      }
      const isOfFile = /^pulling [0-9a-f]{12}$|^(?:reading|sending)$/.test(transfer.status);
      if (transfer.status !== status && !isOfFile) printer.status(transfer.status);
      status = transfer.status;
    },
    clear: () => {},
    close: () => {},
  };
}
