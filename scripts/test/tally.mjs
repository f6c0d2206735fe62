/** Sums what the parts of `npm test` report. */
export class Tally {
  passed = 0;
  failed = 0;
  failedSteps = [];

  /** Tests of a runner. A runner that failed without a failed test (it did not compile, it crashed) counts as one failure. */
  tests(name, { passed, failed, code }) {
    this.passed += passed;
    this.failed += failed;
    if (code !== 0 && failed === 0) this.failed += 1;
    if (code !== 0 || failed > 0) this.failedSteps.push(name);
  }

  /** A check that has no tests to count, such as a linter. */
  check(name, code) {
    if (code === 0) return;
    this.failed += 1;
    this.failedSteps.push(name);
  }
}
