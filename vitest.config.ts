import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// A test that forgets to name a home must not touch the one of the person who runs it.
const env = { OMG_HOME: join(tmpdir(), `omg-test-home-${process.pid}`), NO_COLOR: '1' };

const shared = {
  env,
  pool: 'forks' as const,
  // A busy machine is slow and not wrong.
  expect: { poll: { timeout: 15_000 } },
  // Its ES module build imports a folder, which only bundlers resolve.
  server: { deps: { inline: ['clipanion'] } },
};

export default defineConfig({
  test: {
    // Tests wait more than they compute: on two cores, too, two files at once take half the time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['ts/**/*.test.{ts,tsx}'],
          exclude: ['ts/tests/**'],
          testTimeout: 40_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'repo',
          include: ['ts/tests/repo/**/*.test.ts', 'scripts/**/*.test.mjs'],
          testTimeout: 60_000,
        },
      },
      { test: { ...shared, name: 'contract', include: ['ts/tests/contract/**/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          ...shared,
          name: 'e2e',
          include: ['ts/tests/e2e/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
