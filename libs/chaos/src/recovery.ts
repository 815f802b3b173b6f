import { parseArgs } from 'node:util';
import type { LedgerEntry } from '@berth/contracts';
import type { ChaosContext } from './long-run.ts';
import { faultCounts } from './fault-counts.ts';
import { withLongRun } from './long-run.ts';
import { faultKinds } from './plan.ts';
import { recoverFrom, type FaultReport } from './recover-from.ts';
import { describeKind, nearest, summarizeFaults } from './summary.ts';
import { readTrace } from './trace.ts';

const help = `Usage: npx berth bench recovery [options]

Does faults to a run of a very small model, one after the other, and measures from each fault to the next committed
step without the victim; after an outage, from its end.

  --fault KIND=COUNT    may be repeated (default worker-kill=20, worker-pause=5, coordinator-kill=5)
  --workers N           default 3
  --redis-outage-seconds N, --pause-seconds N    default 1, 3
  --set KEY=VALUE       a setting of the run; may be repeated
  --json                every recovery`;

/** A few steps in peace between two faults. */
const calmSteps = 3;

/** `berth bench recovery`: how long a run stands still after each kind of fault. */
export async function recovery(context: ChaosContext, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      fault: { type: 'string', multiple: true, default: [] },
      set: { type: 'string', multiple: true, default: [] },
      workers: { type: 'string', default: '3' },
      'redis-outage-seconds': { type: 'string', default: '1' },
      'pause-seconds': { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return context.print(help);
  const asked =
    values.fault.length > 0
      ? values.fault
      : ['worker-kill=20', 'worker-pause=5', 'coordinator-kill=5'];
  const counts = faultCounts(asked);
  const times = {
    pauseMs: 1000 * Number(values['pause-seconds']),
    redisOutageMs: 1000 * Number(values['redis-outage-seconds']),
    storeOutageMs: 10_000,
    storeStallMs: 30_000,
  };
  const set = ['train.numSteps=1000000', ...values.set];
  const numWorkers = Number(values.workers);
  const { faults, joins } = await withLongRun(
    context,
    { numWorkers, set, setsRedisClock: counts['clock-step'] > 0 },
    async (run) => {
      const { testbed, watch } = run;
      const done: FaultReport[] = [];
      for (const kind of faultKinds)
        for (let target = 0; target < counts[kind]; target++) {
          const until = watch.numCommitted + calmSteps;
          await watch.until(() => watch.numCommitted >= until, 'steps in peace');
          const fault = { kind, atStep: 0, target };
          const report = await recoverFrom(fault, testbed, watch, times);
          if (report === undefined) break;
          context.say(`${kind} at step ${report.atStep}: ${report.recoveredMs} ms`);
          done.push(report);
        }
      const { entries } = await readTrace(testbed.services, 'chaos');
      return { faults: done, joins: stallsOfJoins(entries) };
    },
  );
  const kinds = summarizeFaults(faults);
  context.print(
    values.json
      ? JSON.stringify({ kinds, joins, faults })
      : [...kinds.map(describeKind), describeJoins(joins)].join('\n'),
  );
}

interface JoinStalls {
  readonly count: number;
  /** Between two commits without a change of members. */
  readonly stepP50Ms: number | null;
  readonly stepP99Ms: number | null;
  /** Between the last commit before a member joins and the first with it. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

function stallsOfJoins(entries: readonly LedgerEntry[]): JoinStalls {
  const steps: number[] = [];
  const joins: number[] = [];
  for (const [index, entry] of entries.entries()) {
    const before = entries[index - 1];
    if (before === undefined) continue;
    const gapMs = entry.committedAtMs - before.committedAtMs;
    const lost = before.members.some((member) => !entry.members.includes(member));
    if (entry.viewVersion === before.viewVersion) steps.push(gapMs);
    else if (!lost && entry.members.length > before.members.length) joins.push(gapMs);
  }
  for (const gaps of [steps, joins]) gaps.sort((a, b) => a - b);
  return {
    count: joins.length,
    stepP50Ms: nearest(steps, 0.5),
    stepP99Ms: nearest(steps, 0.99),
    p50Ms: nearest(joins, 0.5),
    p99Ms: nearest(joins, 0.99),
  };
}

function describeJoins({ count, stepP50Ms, stepP99Ms, p50Ms, p99Ms }: JoinStalls): string {
  return (
    `${'joins'.padEnd(28)}${String(count).padStart(3)} times, commit to commit p50 ${p50Ms} ms, p99 ${p99Ms} ms; ` +
    `otherwise p50 ${stepP50Ms} ms, p99 ${stepP99Ms} ms`
  );
}
