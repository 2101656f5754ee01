/**
 * tally.mjs RESULTS: one plain last line, "123 passed, 0 failed". RESULTS/ended has a line for each thing that ran, "KIND NAME CODE";
 * RESULTS/NAME/*.json are the reports of its vitest. A check counts as one; tests and extras count by their reports; an extra
 * without a report did not run and has said so. Lists what failed, and exits 1 when anything failed or was skipped.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const results = process.argv[2];
const failures = [];
let passed = 0;

/** Counts one report of vitest's. */
function count(name, path) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    failures.push(`${name}: the report is torn`);
    return;
  }
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed += 1;
      else failures.push(`${name}: ${test.status === 'failed' ? 'failed' : 'not run'}: ${test.fullName}`);
    }
    // A file that cannot even be loaded has no tests to fail.
    if (file.status === 'failed' && file.assertionResults.length === 0) {
      failures.push(`${name}: failed to load: ${file.name}`);
    }
  }
}

for (const line of readFileSync(join(results, 'ended'), 'utf8').trim().split('\n')) {
  const [kind, name, code] = line.split(' ');
  const before = failures.length;
  const reports = existsSync(join(results, name)) ? readdirSync(join(results, name)) : [];
  for (const report of reports) count(name, join(results, name, report));
  // An error outside of any test, such as an unhandled rejection, shows in the code alone.
  if (code !== '0' && failures.length === before) failures.push(`${name}: ended with code ${code}`);
  else if (kind === 'tests' && reports.length === 0) failures.push(`${name}: vitest left no report`);
  else if (kind === 'check' && code === '0') passed += 1;
}

console.log('');
for (const failure of failures) console.log(`  ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
