import { createInterface } from 'node:readline/promises';
import { printableLine } from '../../errors/index.ts';

/** Asks a question that only `y` or `yes` answers with yes. Ctrl-C and the end of input are a no. */
export async function confirm(
  terminal: { stdin: NodeJS.ReadableStream; stderr: NodeJS.WritableStream },
  question: string,
): Promise<boolean> {
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr });
  try {
    const closed = new Promise<string>((resolve) => {
      lines.once('close', () => resolve(''));
      lines.once('SIGINT', () => resolve(''));
    });
    const answer = await Promise.race([lines.question(`${printableLine(question)} [y/N] `), closed]);
    return /^\s*y(?:es)?\s*$/i.test(answer);
  } finally {
    lines.close();
  }
}
