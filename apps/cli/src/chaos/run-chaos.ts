import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { errorFromWire, type Logger, type RunConfig } from '@berth/contracts';
import { createCoordinatorClient } from '../coordinator-client.ts';
import { inspectLedger, type LedgerInspection } from '../inspect-ledger.ts';
import type { FaultTimes } from './commit-fault.ts';
import { planFaults, type FaultCounts, type FaultKind, type PlannedFault } from './plan.ts';
import { recoverFrom, type FaultReport } from './recover-from.ts';
import { RunWatch } from './run-watch.ts';
import { startTestbed, type Testbed } from './testbed.ts';
import { differences, readTrace, type RunTrace } from './trace.ts';

export interface ChaosOptions {
  readonly config: RunConfig;
  readonly seed: number;
  readonly counts: FaultCounts;
  readonly times: FaultTimes;
  /** Longest each run may take. */
  readonly timeoutMs: number;
  /** Both runs' data and logs go below it. */
  readonly folder: string;
  readonly logger: Logger;
  readonly say: (message: string) => void;
}

export interface ChaosReport {
  readonly seed: number;
  /** The same weights, ledger and losses, every fault done, every example used once. */
  readonly isSame: boolean;
  /** What differs from the undisturbed run, or is missing. */
  readonly problems: readonly string[];
  readonly calm: LedgerInspection;
  readonly disturbed: LedgerInspection;
  readonly faults: readonly FaultReport[];
  readonly calmMs: number;
  readonly disturbedMs: number;
}

interface Training {
  readonly ledger: LedgerInspection;
  readonly trace: RunTrace;
  readonly faults: readonly FaultReport[];
  readonly durationMs: number;
}

const submitTimeoutMs = 30_000;

/** Trains the same run twice, once undisturbed by a lone worker and once through faults, and compares all they left. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { config, seed, counts, say } = options;
  say('the undisturbed run');
  const calm = await trainOnce(options, []);
  const plan = planFaults(seed, config.train.numSteps, counts);
  say(`the disturbed run: ${plan.length} faults, seed ${seed}`);
  const disturbed = await trainOnce(options, plan);
  const notDone = plan.length - disturbed.faults.length;
  const problems = [
    ...differences(calm.trace, disturbed.trace),
    ...calm.ledger.problems,
    ...disturbed.ledger.problems,
    ...(calm.ledger.weightsDigest === disturbed.ledger.weightsDigest ? [] : ['other weights']),
    ...(notDone === 0 ? [] : [`the run was over before ${notDone} of its faults`]),
  ];
  return {
    seed,
    isSame: problems.length === 0,
    problems,
    calm: calm.ledger,
    disturbed: disturbed.ledger,
    faults: disturbed.faults,
    calmMs: calm.durationMs,
    disturbedMs: disturbed.durationMs,
  };
}

async function trainOnce(options: ChaosOptions, plan: readonly PlannedFault[]): Promise<Training> {
  const { config, logger, folder, timeoutMs } = options;
  const isCalm = plan.length === 0;
  const testbed = await startTestbed({
    folder: mkdtempSync(join(folder, isCalm ? 'calm-' : 'disturbed-')),
    numWorkers: isCalm ? 1 : config.cluster.numWorkers,
    numCoordinators: isCalm ? 1 : 2,
    numThreads: config.cluster.numThreads,
    logger,
  });
  let watch: RunWatch | undefined;
  try {
    const startMs = performance.now();
    await createCoordinatorClient(testbed.cluster.coordinatorUrl).submit(config, 'trained');
    watch = await RunWatch.open(testbed.services.redisUrl, config.name);
    const watched = watch;
    await watch.until(() => watched.record !== undefined, 'the run to begin', submitTimeoutMs);
    const faults = await disturb(options, testbed, watch, plan);
    await watch.until(() => watched.isOver, 'the end of the run', timeoutMs);
    const error = watch.record?.error;
    if (error) throw errorFromWire(error);
    const durationMs = performance.now() - startMs;
    return {
      ledger: await inspectLedger(testbed.services, config.name, logger),
      trace: await readTrace(testbed.services, config.name),
      faults,
      durationMs,
    };
  } finally {
    await watch?.close();
    await testbed.close();
  }
}

/** Does one fault after the other, each when its step has come and the run has recovered from the one before. */
async function disturb(
  { say, times, timeoutMs }: ChaosOptions,
  testbed: Testbed,
  watch: RunWatch,
  plan: readonly PlannedFault[],
): Promise<FaultReport[]> {
  const reports: FaultReport[] = [];
  const waiting = [...plan];
  let storeIsBackMs = 0;
  for (;;) {
    // While the store is away, what else is planned comes first.
    const isNext = ({ kind }: PlannedFault): boolean =>
      !isStoreFault(kind) || Date.now() >= storeIsBackMs;
    const next = waiting.findIndex(isNext);
    const [fault] = waiting.splice(Math.max(0, next), 1);
    if (fault === undefined) return reports;
    const { kind, atStep } = fault;
    const isDue = (): boolean => isNext(fault) && (watch.numCommitted >= atStep || watch.isOver);
    await watch.until(isDue, `step ${atStep}`, timeoutMs);
    if (isStoreFault(kind))
      storeIsBackMs =
        Date.now() + 1_000 + (kind === 'store-outage' ? times.storeOutageMs : times.pauseMs);
    const report = await recoverFrom(fault, testbed, watch, times);
    if (report === undefined) return reports;
    say(`step ${report.atStep}: ${kind}, recovered after ${report.recoveredMs} ms`);
    reports.push(report);
  }
}

function isStoreFault(kind: FaultKind): boolean {
  return kind.startsWith('store-');
}
