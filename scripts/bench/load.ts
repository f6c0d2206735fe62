// What the HTTP layer adds while many streams run, and whether memory stays flat over many requests; the engine is a stand-in.
// Usage: npm run bench:load [-- --streams 200 --rounds 3 --requests 100000]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';

const { values: options } = parseArgs({
  options: {
    streams: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    requests: { type: 'string', default: '100000' },
  },
});
const dispatcher = new Agent({ connections: 512 });

async function start(kind: 'paced' | 'quick'): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(fileURLToPath(new URL('load-daemon.ts', import.meta.url)), [kind], { execArgv: ['--expose-gc'] });
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  return { child, url };
}

async function stop(child: ChildProcess): Promise<void> {
  child.send('stop');
  await once(child, 'exit');
}

function chat(url: string, stream: boolean) {
  return request(`${url}/api/chat`, {
    dispatcher,
    method: 'POST',
    body: JSON.stringify({ model: 'stand-in', stream, think: false, messages: [{ role: 'user', content: 'Hello' }] }),
  });
}

/** Milliseconds from the making of each token to its arrival here; the clock is the machine's, the same in both processes. */
async function latencies(url: string): Promise<number[]> {
  const { body } = await chat(url, true);
  const seen: number[] = [];
  let rest = '';
  for await (const chunk of body.setEncoding('utf8')) {
    const now = process.hrtime.bigint();
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const made = /"content":"(\d+) "/.exec(line)?.[1];
      if (made !== undefined) seen.push(Number(now - BigInt(made)) / 1e6);
    }
  }
  return seen;
}

function quantile(sorted: number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

const paced = await start('paced');
await latencies(paced.url);
for (let round = 1; round <= Number(options.rounds); round++) {
  // Spread over a token's time, as streams of different people are.
  const all = await Promise.all(
    Array.from({ length: Number(options.streams) }, async (_, at) => {
      await new Promise((done) => setTimeout(done, (at * 50) / Number(options.streams)));
      return latencies(paced.url);
    }),
  );
  const sorted = all.flat().sort((a, b) => a - b);
  console.log(
    `${options.streams} streams of 20 tokens/s: ${sorted.length} tokens, p50 ${quantile(sorted, 0.5).toFixed(2)} ms, p99 ${quantile(sorted, 0.99).toFixed(2)} ms`,
  );
}
await stop(paced.child);

const quick = await start('quick');
const memory = async (): Promise<{ heapBytes: number; rssBytes: number }> => {
  quick.child.send('memory');
  const [answer] = (await once(quick.child, 'message')) as [{ heapBytes: number; rssBytes: number }];
  return answer;
};
const parts = 5;
const part = Math.ceil(Number(options.requests) / parts);
for (let done = 0; done <= parts; done++) {
  const { heapBytes, rssBytes } = await memory();
  console.log(
    `${done * part} requests: heap ${(heapBytes / 1e6).toFixed(1)} MB, RSS ${(rssBytes / 1e6).toFixed(0)} MB`,
  );
  if (done === parts) break;
  let left = part;
  const one = async (): Promise<void> => {
    while (left-- > 0) await (await chat(quick.url, left % 2 === 0)).body.dump();
  };
  await Promise.all(Array.from({ length: 32 }, one));
}
await stop(quick.child);
await dispatcher.close();
