import { setTimeout } from 'node:timers/promises';
import Fastify from 'fastify';
import { expect, test, vi } from 'vitest';
import { watchLoop } from './loop-watch.ts';

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('what held the event loop up is logged with the routes that were there, also when the request ends with it', async () => {
  const app = Fastify();
  const warn = vi.fn();
  const delay = watchLoop(app, { warn });
  app.get('/blocks/:name', async () => {
    block(600);
    return 'ok';
  });
  app.get('/waits', async () => {
    await setTimeout(100);
    block(600);
    await setTimeout(100);
    return 'ok';
  });
  expect([delay.count, delay.max, delay.quantile(0.5)]).toEqual([0, 0, 0]);
  await app.inject('/blocks/secret-name');
  await expect.poll(() => warn.mock.calls.flatMap(([fields]) => fields.routes)).toContain('GET /blocks/:name');
  expect(JSON.stringify(warn.mock.calls)).not.toContain('secret-name');
  await app.inject('/waits');
  await expect.poll(() => warn.mock.calls.flatMap(([fields]) => fields.routes)).toContain('GET /waits');
  expect(delay.max).toBeGreaterThan(0.25);
  expect(delay.quantile(1)).toBeGreaterThan(0.25);
  expect(delay.sum).toBeGreaterThan(0.5);
  await app.close();
});

test('nothing is looked at while no request is under way', async () => {
  const app = Fastify();
  const warn = vi.fn();
  const delay = watchLoop(app, { warn });
  app.get('/', async () => 'ok');
  await app.inject('/');
  await setTimeout(100);
  const { count } = delay;
  block(600);
  await setTimeout(200);
  expect([delay.count, warn.mock.calls.length]).toEqual([count, 0]);
  await app.close();
});
