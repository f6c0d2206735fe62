import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../ts/client/index.ts';
import { loadConfig } from '../../ts/config/index.ts';
import { startDaemon } from '../../ts/daemon/index.ts';
import { StandInEngine, type StandInGeneration } from '../../ts/engine/index.ts';

// The daemon of `load.ts`: everything but the engine, which writes the time into its tokens. Tells its parent where it listens, and what memory it takes.

const TOKENS = 60;
const TOKEN_MS = 50;
const home = await mkdtemp(join(tmpdir(), 'omg-load-'));
const reload = () =>
  loadConfig({ env: { OMG_HOME: home, OMG_PORT: '0', OMG_LOG_LEVEL: 'error', OMG_NUM_PARALLEL: '256' }, cwd: home });
const engine = new StandInEngine({
  contextLength: 8192,
  async *reply() {
    for (let token = 0; token < TOKENS; token++) {
      await sleep(TOKEN_MS);
      yield `${process.hrtime.bigint()} `;
    }
  },
});
// Requests are wanted back to back where no token waits.
const quick = new StandInEngine({ contextLength: 8192, reply: 'Good day.' });
const chosen = process.argv[2] === 'quick' ? quick : engine;
const daemon = await startDaemon({
  config: await reload(),
  reload,
  foreground: false,
  parts: { engine: chosen, hub: () => Promise.reject(new Error('no hub here')) },
});
const { host, port, url } = daemon.endpoint;
const model = join(home, 'stand-in.gguf');
await writeFile(model, 'GGUF stand-in');
await new Client([{ host, port }], '').importModel(model, { name: 'stand-in', copy: true });
process.send?.({ url });
process.on('message', (message) => {
  if (message === 'memory') {
    // What the stand-in recorded for tests is not the daemon's.
    (chosen.generations as StandInGeneration[]).length = 0;
    globalThis.gc?.();
    process.send?.({ heapBytes: process.memoryUsage().heapUsed, rssBytes: process.memoryUsage().rss });
  }
  if (message === 'stop')
    void daemon
      .stop()
      .then(() => rm(home, { recursive: true, force: true }))
      .then(() => process.disconnect());
});
