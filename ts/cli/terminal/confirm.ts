import { createInterface } from 'node:readline/promises';
import { printableLine } from '../../errors/index.ts';

/** Asks a yes-or-no question. Enter alone takes `fallback`; Ctrl-C and the end of input are a no. */
export async function confirm(
  terminal: { stdin: NodeJS.ReadableStream; stderr: NodeJS.WritableStream },
  question: string,
  fallback: 'yes' | 'no' = 'no',
): Promise<boolean> {
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr });
  try {
    const closed = new Promise<string>((resolve) => {
      lines.once('close', () => resolve('no'));
      lines.once('SIGINT', () => resolve('no'));
    });
    const choices = fallback === 'yes' ? '[Y/n]' : '[y/N]';
    const reply = await Promise.race([lines.question(`${printableLine(question)} ${choices} `), closed]);
    return /^y(?:es)?$/i.test(reply.trim() || fallback);
  } finally {
    lines.close();
  }
}
