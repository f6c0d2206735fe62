import { rmSync } from 'node:fs';
import { inCheckout } from './setup/checkout.mjs';
import { say } from './setup/index.mjs';

// `npm run clean`: removes what was built. `npm run clean -- --all` removes the packages and the Node that set-up brought as well.
const built = ['dist', 'target', '.bench'];
const fetched = ['node_modules', '.node', '.cuda'];
for (const folder of process.argv.includes('--all') ? [...built, ...fetched] : built) {
  // A link belongs to another checkout: it goes and not what it leads to.
  rmSync(inCheckout(folder), { recursive: true, force: true });
  say(`removed ${folder}`);
}
