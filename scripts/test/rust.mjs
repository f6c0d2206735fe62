import { root } from '../setup/checkout.mjs';
import { runCommand, sayStep } from '../setup/index.mjs';

/** Format and lints of every crate. */
export async function rustChecks(tally) {
  await check(tally, 'cargo fmt', ['fmt', '--all', '--check']);
  await check(tally, 'cargo clippy', [
    'clippy',
    '--workspace',
    '--release',
    '--all-targets',
    '--locked',
    '--quiet',
    '--',
    '-D',
    'warnings',
  ]);
}

/** Unit, integration and documentation tests of the workspace or of one crate. */
export async function rustTests(tally, crate) {
  sayStep('cargo test');
  const what = crate ? ['-p', crate] : ['--workspace'];
  const result = await runCommand('cargo', ['test', '--release', '--locked', '--no-fail-fast', ...what], {
    cwd: root,
    output: 'tee',
  });
  tally.tests('cargo test', { ...countCargoTests(result.stdout), code: result.code });
}

/** Adds up the `test result:` lines, of which every test binary prints one. */
export function countCargoTests(stdout) {
  let passed = 0;
  let failed = 0;
  for (const match of stdout.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed;/gm)) {
    passed += Number(match[1]);
    failed += Number(match[2]);
  }
  return { passed, failed };
}

async function check(tally, name, args) {
  sayStep(name);
  tally.check(name, (await runCommand('cargo', args, { cwd: root })).code);
}
