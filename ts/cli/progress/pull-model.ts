import type { Client, PullBody } from '../../client/index.ts';
import type { Session } from '../session.ts';
import { showTransfer } from './show-transfer.ts';
import type { Transfer } from './transfer.ts';

/** Pulls a model and shows how it goes. Ctrl-C stops the download; what has come so far is kept for the next time. */
export function pullModel({ printer, signal }: Session, client: Client, body: PullBody): Promise<Transfer> {
  return showTransfer(printer, client.pull(body, signal));
}
