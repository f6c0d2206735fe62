import { Library } from '../library/index.ts';
import { Hub } from './hub.ts';
import { QUICK_RETRIES, SMALL_TRANSFERS } from './test-settings.ts';

/** Run as a process by tests that kill it: pulls a model and prints the completed bytes as they grow, then the digest. */
const [endpoint = '', modelsDir = '', model = '', killAt] = process.argv.slice(2);
const library = new Library({
  modelsDir,
  onStep: (step) => {
    if (step === killAt) process.kill(process.pid, 'SIGKILL');
  },
});
const hub = new Hub({
  endpoint,
  transfer: SMALL_TRANSFERS,
  retry: QUICK_RETRIES,
  proxy: { http: '', https: '', no: '*' },
});
const record = await hub.pull(model, {
  library,
  onProgress: ({ completedBytes }) => process.stdout.write(`${completedBytes}\n`),
});
process.stdout.write(`${record.digest}\n`);
await hub.close();
