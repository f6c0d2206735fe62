#!/usr/bin/env node
// The `bin` file. Plain JavaScript that any Node since 16 can parse, so that an old Node gets a sentence and not a syntax error.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isSupportedNode, OLDEST_NODE } from './node-version.mjs';
import { beginWithSteadyHeap } from './steady-heap.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

if (isSupportedNode(process.versions.node)) {
  // Caches the compiled bundle between runs, where most of the time of a short command goes. The cache stays in memory, so the daemon,
  // which starts once and runs long, goes without.
  if (process.argv[2] !== 'serve') nodeModule.enableCompileCache?.();
  else if (servesHere(process.argv.slice(3))) beginWithSteadyHeap();
  const entry = new URL('../../dist/omg.js', import.meta.url);
  if (existsSync(entry)) await import(entry.href);
  else fail('omg is not built yet in this checkout.', 'run `npm start`, or `npm run build` to build only');
} else {
  const { localNode } = await import('./local-node.mjs');
  const node = localNode(root);
  if (node) runWith(node);
  else if (existsSync(join(root, 'scripts', 'start.mjs')))
    fail(
      `omg needs Node ${OLDEST_NODE} or newer; this is ${process.versions.node}.`,
      'run `npm start`: it brings one into this checkout',
    );
  else
    fail(
      `omg needs Node ${OLDEST_NODE} or newer; this is ${process.versions.node}. See https://nodejs.org/en/download`,
    );
}

/** Whether this process becomes the daemon: `serve` with options alone, and not in the background. */
function servesHere(args) {
  return args.every((arg) => !['-d', '--detach', '-h', '--help'].includes(arg)) && !/^[a-z]/.test(args[0] ?? '');
}

/** Runs this file again under another Node and ends as it ends. */
function runWith(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both; the child decides what it means.
  const forwarded = ['SIGTERM', 'SIGHUP'];
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {});
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal) {
      for (const name of [...forwarded, 'SIGINT']) process.removeAllListeners(name);
      process.kill(process.pid, signal);
    } else process.exitCode = code ?? 1;
  });
}

function fail(message, hint) {
  process.stderr.write(`error: ${message}\n${hint ? `hint: ${hint}\n` : ''}`);
  process.exitCode = 1;
}
