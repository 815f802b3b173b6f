#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const help = `Usage: npm test [-- options], or npm run check [-- options] without the setup before it

Runs every check, also after one has failed, and ends with the line "N passed, N failed", with ", N skipped" behind
it where tests were skipped: each test counts as one, and so does each other check.

  format      prettier
  lint        oxlint with type information
  types       tsc over all packages
  boundaries  which package may use which, and file lengths
  unused      knip: dead code, unlisted dependencies
  tests       vitest, beside the sources of libs, apps and tools

  --full      also the long tests, *.full.test.ts: berth chaos on real processes, thousands of steps with flat
              memory, equal bits of compiled steps across processes and sizes
  --help      this text`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules/.bin', name);

const checks = [
  { name: 'format', command: [bin('prettier'), '--check', '.'] },
  { name: 'lint', command: [bin('oxlint'), '--type-aware'] },
  { name: 'types', command: [bin('tsc'), '-b'] },
  { name: 'boundaries', command: [process.execPath, join(root, 'tools/check-boundaries.mjs')] },
  { name: 'unused', command: [bin('knip'), '--no-progress', '--no-config-hints'] },
];

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) {
  console.log(help);
} else {
  const outcomes = [...checks.map(runCheck), runTests(options.full)];
  const sum = (key) => outcomes.reduce((total, outcome) => total + outcome[key], 0);
  const skipped = sum('skipped');
  console.log(
    `${sum('passed')} passed, ${sum('failed')} failed` +
      (skipped > 0 ? `, ${skipped} skipped` : ''),
  );
  process.exitCode = sum('failed') === 0 ? 0 : 1;
}

/** Says what a check finds only when it fails. */
function runCheck({ name, command: [program, ...args] }) {
  const [result, seconds] = timed(() => spawnSync(program, args, { cwd: root, encoding: 'utf8' }));
  const ok = result.status === 0;
  if (!ok) console.log(`${result.stdout}${result.stderr}${result.error?.message ?? ''}`);
  report(name, seconds, ok ? 'passed' : 'FAILED');
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

/** @param {boolean} isFull */
function runTests(isFull) {
  const folder = mkdtempSync(join(tmpdir(), 'berth-check-'));
  const file = join(folder, 'tests.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const env = { ...process.env, ...(isFull ? { BERTH_TEST_FULL: '1' } : {}) };
  const [result, seconds] = timed(() =>
    spawnSync(bin('vitest'), ['run', '--passWithNoTests', ...reporters], {
      cwd: root,
      env,
      stdio: 'inherit',
    }),
  );
  const { numPassedTests, numFailedTests, numPendingTests } = readCounts(file);
  rmSync(folder, { recursive: true });
  // A file that does not load, or an error outside any test, fails the run with no failed test.
  const failed = result.status === 0 ? numFailedTests : Math.max(1, numFailedTests);
  report('tests', seconds, failed === 0 ? 'passed' : 'FAILED');
  return { passed: numPassedTests, failed, skipped: numPendingTests };
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 };
  }
}

function timed(action) {
  const start = performance.now();
  const result = action();
  return [result, (performance.now() - start) / 1000];
}

function report(name, seconds, verdict) {
  console.log(`${name.padEnd(12)}${seconds.toFixed(1).padStart(6)} s  ${verdict}`);
}
