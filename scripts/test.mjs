import {
  buildAddon,
  buildBundle,
  ensurePackages,
  ensureRust,
  say,
  script,
  underSupportedNode,
} from './setup/index.mjs';
import { planOf } from './test/plan.mjs';
import { rustChecks, rustTests } from './test/rust.mjs';
import { Tally } from './test/tally.mjs';
import { typescriptChecks, vitest } from './test/typescript.mjs';

/**
 * `npm test`: everything. `npm test -- rust`, `npm test -- ts`, `npm test -- omg-format` (a crate) and `npm test -- ts/cli/chat`
 * (files whose path contains it) run a part. The last line is `N passed, N failed`: cargo's and vitest's tests, and one for each check
 * (format, lint, types) that failed.
 */
await script(async () => {
  const plan = planOf(process.argv.slice(2));
  if (!(await underSupportedNode())) return;
  await ensureRust();
  await ensurePackages();
  const tally = new Tally();
  if (plan.rust) {
    if (!plan.crate) await rustChecks(tally);
    await rustTests(tally, plan.crate);
  }
  if (plan.typescript) {
    if (plan.filters.length === 0) await typescriptChecks(tally);
    await buildAddon();
    await buildBundle();
    await vitest(tally, plan.filters);
  }
  for (const name of tally.failedSteps) say(`failed: ${name}`);
  process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
  process.exitCode = tally.failed === 0 ? 0 : 1;
});
