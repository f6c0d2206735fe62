// Attacks a daemon of this checkout from many clients at once, while honest ones chat with it. Ends with 1 when the daemon died, forgot
// whom it serves, grew, or took too much memory. Usage: npm run soak [-- --minutes 20 --clients 64 --honest 4 --only "hostile template"]
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { AttackersInput } from './attackers.ts';
import { startTarget, type Usage, usageOf } from './target.ts';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    clients: { type: 'string', default: '64' },
    honest: { type: 'string', default: '4' },
    only: { type: 'string', multiple: true },
  },
});
const target = await startTarget();
const deadline = Date.now() + Number(options.minutes) * 60_000;
const goesOn = (): boolean => Date.now() < deadline && target.isAlive();
const done = new Map<string, number>();
const health: number[] = [];
const firstTokens: number[] = [];
const refusals = new Map<string, number>();
const failures: string[] = [];
const usages: Usage[] = [];

/** Resolves when the attackers are done. */
function attackers(): Promise<unknown> {
  const { host, port, url, home } = target;
  const workerData: AttackersInput = {
    target: { host, port, url, home },
    clients: Number(options.clients),
    endsAt: deadline,
    only: options.only,
  };
  const worker = new Worker(new URL('attackers.ts', import.meta.url), { workerData });
  worker.on('message', (name: string) => void done.set(name, (done.get(name) ?? 0) + 1));
  return once(worker, 'exit');
}

const QUESTIONS = ['What is the capital of France?', 'Hello!', 'What is 2 + 3?', 'Who are you?'];

/** Chats as people do, again where the daemon says that it is busy. */
async function honest(number: number): Promise<void> {
  for (let turn = 0; goesOn(); turn++) {
    const started = performance.now();
    try {
      const reply = await fetch(`${target.url}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({
          model: 'demo',
          stream: true,
          max_tokens: 24,
          messages: [{ role: 'user', content: QUESTIONS[(number + turn) % QUESTIONS.length] }],
        }),
        signal: AbortSignal.timeout(120_000),
      });
      if (reply.status === 429 || reply.status === 503) {
        await reply.arrayBuffer();
        refusals.set('busy', (refusals.get('busy') ?? 0) + 1);
        await sleep(1000);
        continue;
      }
      let text = '';
      let first: number | undefined;
      for await (const chunk of reply.body ?? []) {
        first ??= performance.now() - started;
        text += Buffer.from(chunk).toString();
      }
      if (reply.status !== 200 || !text.includes('data: [DONE]')) failures.push(`${reply.status} ${text.slice(-300)}`);
      else firstTokens.push(first ?? Number.NaN);
    } catch (error) {
      failures.push(String(error));
    }
    await sleep(200);
  }
}

async function healthProbe(): Promise<void> {
  while (goesOn()) {
    const started = performance.now();
    try {
      await (await fetch(`${target.url}/health`, { signal: AbortSignal.timeout(30_000) })).arrayBuffer();
      health.push(performance.now() - started);
    } catch (error) {
      failures.push(`/health: ${error}`);
    }
    await sleep(100);
  }
}

async function observer(): Promise<void> {
  while (goesOn()) {
    usages.push(usageOf(target.pid));
    await sleep(5000);
  }
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** What the daemon may take while it is attacked, as a median, and half a minute later. */
const MOST_BYTES = 400 * 2 ** 20;
const MOST_AT_REST_BYTES = 200 * 2 ** 20;

const mega = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** The median size within a part of the run: sizes go up and down with what is in flight. */
function typical(from: number, to: number): number {
  const part = usages.slice(Math.floor(usages.length * from), Math.ceil(usages.length * to));
  return quantile(
    part.map(({ daemonBytes }) => daemonBytes),
    0.5,
  );
}

await Promise.all([
  attackers(),
  ...Array.from({ length: Number(options.honest) }, (_, number) => honest(number)),
  healthProbe(),
  observer(),
]);

const survived = target.isAlive();
// What the attackers left behind must go by itself.
await sleep(survived ? 30_000 : 0);
const config = survived
  ? ((await (await fetch(`${target.url}/ohmygpu/v1/config`)).json()) as { config: Record<string, unknown> })
  : undefined;
const after = survived ? usageOf(target.pid) : undefined;
await target.stop();

console.log([...done].map(([name, count]) => `${name}: ${count}`).join(', '));
console.log(
  `honest answers: ${firstTokens.length}, first token p50 ${quantile(firstTokens, 0.5).toFixed(0)} ms, p99 ${quantile(firstTokens, 0.99).toFixed(0)} ms; told to wait ${refusals.get('busy') ?? 0} times`,
);
console.log(
  `/health: p50 ${quantile(health, 0.5).toFixed(1)} ms, p99 ${quantile(health, 0.99).toFixed(0)} ms, longest ${Math.max(...health).toFixed(0)} ms`,
);
console.log(
  `daemon: median ${mega(typical(0.25, 0.5))} in the second quarter, ${mega(typical(0.75, 1))} in the last, at most ${mega(Math.max(...usages.map(({ daemonBytes }) => daemonBytes)))}; at rest ${after === undefined ? '–' : `${mega(after.daemonBytes)}, ${after.children} children, ${after.descriptors} descriptors`}`,
);
console.log(
  `children: at most ${mega(Math.max(...usages.map(({ childrenBytes }) => childrenBytes)))} in ${Math.max(...usages.map(({ children }) => children))} processes`,
);

const faults = [
  ...(survived ? [] : ['the daemon ended']),
  ...failures.slice(0, 10),
  ...(failures.length > 10 ? [`… and ${failures.length - 10} failures more`] : []),
  ...(config?.config['models.max_queue'] === 7 ? ['a stranger changed the settings'] : []),
  ...(firstTokens.length === 0 ? ['no honest client was served'] : []),
  ...(typical(0.75, 1) > typical(0.25, 0.5) * 1.25 + 32 * 2 ** 20 ? ['the daemon grew'] : []),
  ...(typical(0, 1) > MOST_BYTES ? [`the daemon took more than ${mega(MOST_BYTES)}`] : []),
  ...((after?.daemonBytes ?? 0) > MOST_AT_REST_BYTES ? [`the daemon kept more than ${mega(MOST_AT_REST_BYTES)}`] : []),
];
for (const fault of faults) console.log(`FAULT ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;
