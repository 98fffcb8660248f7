import type { Reporter, TestModule } from 'vitest/node';

/** Prints the one closing line that continuous integration counts: `N passed, N failed, N skipped`. */
class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      let failedBefore = counts.failed;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === 'passed') counts.passed += 1;
        else if (state === 'failed') counts.failed += 1;
        else counts.skipped += 1;
      }
      // A module that could not even be loaded has no tests, but is a failure all the same.
      if (module.state() === 'failed' && failedBefore === counts.failed) counts.failed += 1;
      failedBefore = counts.failed;
    }
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  }
}

export { ClosingLine as default };
