import { spawn } from 'node:child_process';
import { findProgram } from '../../config/index.ts';
import type { Stream } from '../printer.ts';

/** Programs that put their input on the clipboard, the first that is here. */
const PROGRAMS: readonly [program: string, ...args: string[]][] = [
  ['pbcopy'],
  ['wl-copy'],
  ['xclip', '-selection', 'clipboard'],
  ['xsel', '--clipboard', '--input'],
  ['clip.exe'],
];

/** Copies a text by a program of the desktop, or by the terminal (OSC 52), which works from another machine too. */
export async function copyText(text: string, terminal: Stream): Promise<void> {
  for (const [program, ...args] of PROGRAMS) {
    const path = findProgram(program);
    if (path !== undefined && (await succeeds(path, args, text))) return;
  }
  terminal.write(`\u001b]52;c;${Buffer.from(text, 'utf8').toString('base64')}\u0007`);
}

function succeeds(path: string, args: string[], input: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(path, args, { stdio: ['pipe', 'ignore', 'ignore'] });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
