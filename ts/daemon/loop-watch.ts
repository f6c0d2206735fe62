import { createHistogram } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import type { LoopDelay } from '../api/service/index.ts';
import type { Log } from './log.ts';

/** How often is looked; a wake-up at most so often, and none while no request is under way. */
const EVERY_MS = 50;
/** People notice this, and so does every other client. */
const STALL_MS = 250;
const NS_PER_MS = 1e6;

/** Measures the delay of the event loop while requests are under way, and logs what held it up for long, with the routes that were there. */
export function watchLoop(app: FastifyInstance, log?: Pick<Log, 'warn'>): LoopDelay {
  const delays = createHistogram();
  const open = new Map<string, number>();
  /** Routes that had a request since the last look, also one that has ended. */
  let seen = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let lookedAt = 0;
  let sumMs = 0;

  const look = (): void => {
    const now = performance.now();
    const lateMs = now - lookedAt - EVERY_MS;
    lookedAt = now;
    const routes = [...seen];
    seen = new Set(open.keys());
    if (lateMs < 0) return;
    sumMs += lateMs;
    delays.record(Math.max(1, Math.round(lateMs * NS_PER_MS)));
    if (lateMs > STALL_MS) log?.warn({ ms: Math.round(lateMs), routes }, 'the event loop stood still');
  };
  app.addHook('onRequest', async (request, reply) => {
    const route = `${request.method} ${request.routeOptions.url ?? 'unknown'}`;
    open.set(route, (open.get(route) ?? 0) + 1);
    seen.add(route);
    if (timer === undefined) {
      lookedAt = performance.now();
      timer = setInterval(look, EVERY_MS).unref();
    }
    reply.raw.once('close', () => {
      const left = (open.get(route) ?? 1) - 1;
      if (left > 0) open.set(route, left);
      else open.delete(route);
      if (open.size > 0) return;
      // A request may end before the timer has had its turn.
      look();
      clearInterval(timer);
      timer = undefined;
    });
  });
  return {
    get count() {
      return delays.count;
    },
    get sum() {
      return sumMs / 1000;
    },
    get max() {
      return delays.count === 0 ? 0 : delays.max / NS_PER_MS / 1000;
    },
    quantile: (share) => (delays.count === 0 ? 0 : delays.percentile(share * 100) / NS_PER_MS / 1000),
  };
}
