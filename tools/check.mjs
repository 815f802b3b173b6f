#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const help = `Usage: npm test [-- options], or npm run check [-- options] without the setup before it

Runs every check, also after one has failed, and ends with the line "N passed, N failed", with ", N skipped" behind
it where tests were skipped: each test counts as one, and so does each other check.

  format      oxfmt
  lint        oxlint with type information
  types       tsc over all packages
  boundaries  which package may use which, what may name a task, and file lengths
  unused      knip: dead code, unlisted dependencies
  tests       vitest, beside the sources of libs, apps and tools

The tests end with the ten files that took the most processor time; BERTH_TEST_TIMES=50 lists 50. Of what
takes minutes they have one short case of each kind, and --full has the others.

Tests keep their files in memory where /dev/shm has 12 GB to spare, else or with TMPDIR set in the temporary folder.

  --full      also the long tests, *.full.test.ts: berth chaos with every fault on real processes, killed and joined runs
              of every kind, workers behind NAT and a relay, corpora that not all workers see, a rolling upgrade,
              12,000 simulated runs (npm test: 75), thousands of steps with flat memory, the browser, equal bits of
              compiled steps across processes and sizes
  --help      this text`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules/.bin', name);

const compile = { name: 'types', command: [bin('tsc'), '-b'] };
const checks = [
  { name: 'format', command: [bin('oxfmt'), '--check', '.'] },
  { name: 'lint', command: [bin('oxlint'), '--type-aware'] },
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
  // The tests run what is compiled. All else goes on at once: each has one thread for most of its work, and tests wait.
  const types = await runCheck(compile);
  const others = [...checks.map(runCheck), runTests(options.full)];
  const outcomes = [types, ...(await Promise.all(others))];
  const sum = (key) => outcomes.reduce((total, outcome) => total + outcome[key], 0);
  const skipped = sum('skipped');
  const failed = outcomes.filter((outcome) => outcome.failed > 0).map(({ name }) => name);
  if (failed.length > 0) console.log(`what failed: ${failed.join(', ')}; its words are above`);
  console.log(
    `${sum('passed')} passed, ${sum('failed')} failed` +
      (skipped > 0 ? `, ${skipped} skipped` : ''),
  );
  process.exitCode = sum('failed') === 0 ? 0 : 1;
}

/** Says what a check finds only when it fails. */
async function runCheck({ name, command: [program, ...args] }) {
  const startMs = performance.now();
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const outputs = Promise.all([text(child.stdout), text(child.stderr)]);
  const problem = await ended(child);
  if (problem !== undefined) console.log(`${(await outputs).join('')}${name} ${problem}`);
  report(name, startMs, problem);
  const ok = problem === undefined;
  return { name, passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

/** @param {boolean} isFull */
async function runTests(isFull) {
  // Temporary files of the tests go below it, so that nothing is left of those that are killed either.
  const folder = mkdtempSync(join(placeForFiles(), 'berth-'));
  // Others pass through it as through the system's own.
  chmodSync(folder, 0o711);
  const file = join(folder, 'tests.json');
  const own = { TMPDIR: folder, BERTH_TEST_REPORT: file, BERTH_TEST_BUILT: '1' };
  const env = { ...process.env, ...own, ...(isFull ? { BERTH_TEST_FULL: '1' } : {}) };
  const startMs = performance.now();
  const problem = await ended(
    spawn(bin('vitest'), ['run', '--passWithNoTests'], { cwd: root, env, stdio: 'inherit' }),
  );
  const { numPassedTests, numFailedTests, numPendingTests } = readCounts(file);
  rmSync(folder, { recursive: true, force: true });
  // A file that does not load, or an error outside any test, fails the run with no failed test.
  const failed = problem === undefined ? numFailedTests : Math.max(1, numFailedTests);
  report('tests', startMs, failed === 0 ? undefined : problem);
  return { name: 'tests', passed: numPassedTests, failed, skipped: numPendingTests };
}

/** Memory where there is plenty, for what is written to a disk for good makes the tests wait half their time. */
function placeForFiles() {
  const memory = '/dev/shm';
  if (process.env['TMPDIR'] !== undefined) return tmpdir();
  try {
    const { bavail, bsize } = statfsSync(memory);
    const mounted = readFileSync('/proc/mounts', 'utf8').split('\n');
    const [, , kind, flags = ''] = mounted.find((line) => line.split(' ')[1] === memory).split(' ');
    // Some tests run programs that they have written, and one looks for 10 GB that are free.
    const fits = kind === 'tmpfs' && bavail * bsize > 12e9 && !flags.split(',').includes('noexec');
    return fits ? memory : tmpdir();
  } catch {
    return tmpdir();
  }
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 };
  }
}

/** Waits for the end of a process, and says what was wrong with it. */
async function ended(child) {
  try {
    const [code, signal] = await once(child, 'close');
    return code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`;
  } catch (error) {
    return `cannot be started: ${error.message}`;
  }
}

function report(name, startMs, problem) {
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${name.padEnd(12)}${seconds.padStart(6)} s  ${problem ? 'FAILED' : 'passed'}`);
}
