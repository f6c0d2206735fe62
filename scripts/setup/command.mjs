import { spawn } from 'node:child_process';

/**
 * Runs a program without a shell and without stdin. `output`: `inherit` shows it as it comes, `capture` keeps stdout and stderr
 * apart, `tee` shows and keeps it; `onStderr` gets what goes there. Resolves to `{ code, stdout, stderr }`; code 127 means that it could not be started.
 */
export function runCommand(command, args, { output = 'inherit', cwd, env, onStderr } = {}) {
  return new Promise((resolve) => {
    const stdio = output === 'inherit' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'];
    const child = spawn(command, args, { cwd, env, stdio, windowsHide: true });
    const kept = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name]?.setEncoding('utf8').on('data', (text) => {
        kept[name] += text;
        if (output === 'tee') process[name].write(text);
        if (name === 'stderr') onStderr?.(text);
      });
    }
    child.on('error', () => resolve({ code: 127, ...kept }));
    child.on('close', (code) => resolve({ code: code ?? 1, ...kept }));
  });
}

/** Runs a program that owns the terminal until it ends. Resolves to its exit code. */
export function runForeground(command, args, { env, stdin = 'inherit' } = {}) {
  const child = spawn(command, args, { stdio: [stdin, 'inherit', 'inherit'], env });
  // The terminal sends Ctrl-C to both; the child decides what it means.
  const ignore = () => {};
  const terminate = () => child.kill('SIGTERM');
  process.on('SIGINT', ignore);
  process.on('SIGTERM', terminate);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', terminate);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}
