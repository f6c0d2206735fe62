import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostileBody, placedBodies, shapeBodies } from './hostile-bodies.ts';
import { LEFT_OUT, type Operation, operationsOf } from './operations.ts';

/**
 * Nothing small that is sent holds everybody else up. On a quiet machine `/health` answers within 100 ms; a busy one gets 2 s. Without
 * bounds single bodies of these take 5 to 29 s.
 */
const HEALTH_MS = 2_000;

let home: string;
let daemon: ChildProcess;
let url: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'omg-hostile-'));
  daemon = fork(join(import.meta.dirname, 'hostile-daemon.ts'), [home], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  url = await new Promise((resolve, reject) => {
    daemon.once('message', (message) => resolve(String(message)));
    daemon.once('exit', () => reject(new Error('The daemon ended.')));
  });
}, 120_000);
afterAll(async () => {
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  if (daemon.exitCode === null && daemon.signalCode === null) {
    daemon.disconnect();
    await ended;
  }
  await rm(home, { recursive: true, force: true });
});

/** Asks `/health` over and over from a thread of its own, so that what the test does itself is not measured. */
function healthWatch(): { worst(): Promise<number>; end(): Promise<unknown> } {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const http = require('node:http');
    const agent = new http.Agent({ keepAlive: true });
    let worst = 0;
    let since;
    const ask = () => {
      since = performance.now();
      const done = () => {
        worst = Math.max(worst, performance.now() - since);
        setTimeout(ask, 10);
      };
      http.get(workerData + '/health', { agent }, (reply) => reply.resume().once('end', done)).once('error', done);
    };
    ask();
    parentPort.on('message', () => {
      parentPort.postMessage(Math.max(worst, performance.now() - since));
      worst = 0;
    });`;
  const worker = new Worker(source, { eval: true, workerData: url });
  return {
    worst: () =>
      new Promise((resolve) => {
        worker.once('message', resolve);
        worker.postMessage('worst');
      }),
    end: () => worker.terminate(),
  };
}

async function send(
  { method, path }: Operation,
  { bytes, encoding }: HostileBody,
): Promise<{ status: number; text: string }> {
  const target = url + path.replace('{backend}', 'candle').replaceAll(/\{\w+\}/g, 'tiny');
  const headers: Record<string, string> = encoding === undefined ? {} : { 'content-encoding': encoding };
  const reply = await fetch(target, { method, body: bytes, headers, signal: AbortSignal.timeout(60_000) });
  return { status: reply.status, text: await reply.text() };
}

test('no body of 256 KiB, packed or not, holds up the event loop, ends the daemon or gives a 500, on any route', async () => {
  const operations = (await operationsOf(url)).filter(({ method, path }) => method !== 'GET' && !LEFT_OUT.has(path));
  const watch = healthWatch();
  const failures: string[] = [];
  const shapes = shapeBodies();
  const done = new Set<string>();
  let sent = 0;
  let worstMs = 0;
  for (const operation of operations) {
    const described = JSON.stringify(operation.schema);
    // Many routes answer below several prefixes: the first gets everything, the others take turns.
    const isKnown = done.has(described);
    const placed = operation.schema === undefined || isKnown ? [] : placedBodies(operation.schema);
    done.add(described);
    for (const body of [...(isKnown ? shapes.filter((_, index) => index % 4 === done.size % 4) : shapes), ...placed]) {
      const { status, text } = await send(operation, body);
      const worst = await watch.worst();
      const shown = `${operation.method} ${operation.path} ${body.what}`;
      sent += 1;
      worstMs = Math.max(worstMs, worst);
      if (worst > HEALTH_MS) failures.push(`${Math.round(worst)} ms: ${shown}`);
      if (status >= 500 && status !== 501) failures.push(`${status}: ${shown} → ${text.slice(0, 200)}`);
    }
  }
  await watch.end();
  expect(failures).toEqual([]);
  expect(daemon.exitCode).toBeNull();
  expect([operations.length > 40, sent > 500, worstMs > 0]).toEqual([true, true, true]);
}, 600_000);
