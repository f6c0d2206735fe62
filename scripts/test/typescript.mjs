import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inCheckout, root } from '../setup/checkout.mjs';
import { runCommand, sayStep } from '../setup/index.mjs';

/** Types, format and lints. */
export async function typescriptChecks(tally) {
  await check(tally, 'tsc', ['typescript', 'bin', 'tsc'], ['--noEmit', '--project', '.']);
  await check(tally, 'biome', ['@biomejs', 'biome', 'bin', 'biome'], ['check', '--error-on-warnings']);
}

/** Unit, contract, end-to-end and repository tests, or those whose file name contains one of `filters`. */
export async function vitest(tally, filters) {
  sayStep('vitest');
  const folder = mkdtempSync(join(tmpdir(), 'omg-test-'));
  try {
    const report = join(folder, 'report.json');
    const { code } = await runTool(
      ['vitest', 'vitest.mjs'],
      ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...filters],
    );
    tally.tests('vitest', { ...countVitestTests(report), code });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function countVitestTests(report) {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests };
  } catch {
    // No report: vitest ended before it ran anything, and its exit code says so.
    return { passed: 0, failed: 0 };
  }
}

async function check(tally, name, tool, args) {
  sayStep(name);
  tally.check(name, (await runTool(tool, args)).code);
}

function runTool(tool, args) {
  return runCommand(process.execPath, [inCheckout('node_modules', ...tool), ...args], { cwd: root });
}
