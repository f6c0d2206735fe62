import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { ATTACKS } from './attacks.ts';
import type { Target } from './target.ts';

// The attackers of `soak.ts`, in a thread of their own: what they compute must not look like a slow daemon to those who measure.

export interface AttackersInput {
  target: Pick<Target, 'host' | 'port' | 'url' | 'home'>;
  clients: number;
  endsAt: number;
  only: string[] | undefined;
}

const { target, clients, endsAt, only } = workerData as AttackersInput;
const chosen = Object.entries(ATTACKS).filter(([name]) => only?.includes(name) ?? true);
const lots = chosen.flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name));

async function attacker(): Promise<void> {
  while (Date.now() < endsAt) {
    const name = lots[Math.floor(Math.random() * lots.length)] as string;
    // Refusals, resets and time-outs are what an attacker is meant to get.
    await ATTACKS[name]?.attack(target as Target).catch(() => {});
    parentPort?.postMessage(name);
    await sleep(20);
  }
}

await Promise.all(Array.from({ length: clients }, attacker));
