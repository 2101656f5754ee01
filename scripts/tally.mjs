/**
 * tally.mjs REPORT CODE PASSED [FAILED-CHECK…]: one plain last line, "123 passed, 0 failed", out of vitest's JSON report,
 * its exit code and the checks that ran before. Exits 1 when anything failed or was skipped.
 */
import { readFileSync } from 'node:fs';

const [path, code, passedChecks, ...failedChecks] = process.argv.slice(2);
const failures = failedChecks.map((check) => `npm run ${check}`);
let passed = Number(passedChecks);

try {
  for (const file of JSON.parse(readFileSync(path, 'utf8')).testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed += 1;
      else failures.push(`${test.status}: ${test.fullName}`);
    }
    // A file that cannot even be loaded has no tests to fail.
    if (file.status === 'failed' && file.assertionResults.length === 0) failures.push(`failed to load: ${file.name}`);
  }
} catch {
  failures.push('vitest left no report');
}
// An error outside of any test, such as an unhandled rejection.
if (code !== '0' && failures.length === failedChecks.length) failures.push(`vitest ended with ${code}`);

console.log('');
for (const failure of failures) console.log(`  ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
