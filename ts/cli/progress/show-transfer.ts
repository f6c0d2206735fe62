import type { PullLine } from '../../client/index.ts';
import { printableLine } from '../../errors/index.ts';
import type { Printer } from '../printer.ts';
import { formatBytes, formatElapsed } from '../terminal/units.ts';
import { Transfer, transferRows } from './transfer.ts';

const REDRAW_MS = 100;

/** File names by the digest that progress lines carry. */
export type FileNames = () => Promise<Map<string, string>>;

/**
 * Shows the progress of a download while it is read: bars on a terminal, a line per file and step elsewhere, nothing with --quiet.
 * `fileNames` is asked when a file turns up that has no name yet.
 */
export async function showTransfer(
  printer: Printer,
  lines: AsyncIterable<PullLine>,
  fileNames: FileNames = async () => new Map(),
): Promise<Transfer> {
  const transfer = new Transfer();
  const view = printer.canDraw ? drawnView(printer, transfer) : plainView(printer, transfer);
  const started = performance.now();
  const names = new Map<string, string | undefined>();
  const nameOf = async (digest: string | undefined) => {
    if (digest === undefined || printer.isQuiet) return undefined;
    if (!names.has(digest)) for (const [key, name] of await fileNames()) names.set(key, printableLine(name));
    // Asked once: a file that was there already is over before it can be asked for.
    if (!names.has(digest)) names.set(digest, undefined);
    return names.get(digest);
  };
  try {
    for await (const line of lines) {
      transfer.add(clean(line), await nameOf(line.digest));
      view.update();
    }
  } finally {
    view.close();
  }
  if (transfer.received > 0) {
    printer.status(`Downloaded ${formatBytes(transfer.received)} in ${formatElapsed(performance.now() - started)}.`);
  }
  return transfer;
}

function clean(line: PullLine): PullLine {
  return { ...line, status: printableLine(line.status) };
}

interface TransferView {
  update: () => void;
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
        printer.status(`pulling ${label} (${formatBytes(total)})`);
      }
      if (transfer.status !== status && !/^pulling [0-9a-f]{12}$/.test(transfer.status))
        printer.status(transfer.status);
      status = transfer.status;
    },
    close: () => {},
  };
}
