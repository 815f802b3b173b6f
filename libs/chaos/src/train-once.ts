import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { errorFromWire, type Logger, type RunConfig } from '@berth/contracts';
import { inspectLedger, type LedgerInspection } from './inspect-ledger.ts';
import { leftoversOf } from './leftovers.ts';
import type { FaultTimes } from './commit-fault.ts';
import type { FaultKind, PlannedFault } from './plan.ts';
import { canBeDone, recoverFrom, type FaultReport } from './recover-from.ts';
import { RunWatch } from './run-watch.ts';
import { startTestbed, type Testbed } from './testbed.ts';
import { readTrace, type RunTrace } from './trace.ts';

export interface TrainOptions {
  readonly config: RunConfig;
  readonly times: FaultTimes;
  /** Longest a run may take. */
  readonly timeoutMs: number;
  /** Data and logs of each run go below it. */
  readonly folder: string;
  readonly logger: Logger;
  readonly say: (message: string) => void;
}

/** A run that is over. */
export interface Training {
  readonly ledger: LedgerInspection;
  readonly trace: RunTrace;
  /** What was left in the bucket that should have been swept. */
  readonly leftovers: readonly string[];
  readonly faults: readonly FaultReport[];
  readonly durationMs: number;
}

/** Trains the run on a testbed of its own, with these workers and through these faults. */
export async function trainOnce(
  options: TrainOptions,
  {
    numWorkers,
    numCoordinators = 1,
    plan = [],
  }: {
    readonly numWorkers: number;
    readonly numCoordinators?: number;
    readonly plan?: readonly PlannedFault[];
  },
): Promise<Training> {
  const { logger, folder, timeoutMs } = options;
  const { minWorkers } = options.config.cluster;
  const cluster = {
    ...options.config.cluster,
    numWorkers,
    minWorkers: Math.min(minWorkers, numWorkers),
  };
  const config = { ...options.config, cluster };
  const { numThreads } = cluster;
  const testbed = await startTestbed({
    folder: mkdtempSync(join(folder, `${numWorkers}-workers-`)),
    numWorkers,
    numCoordinators,
    numThreads,
    setsRedisClock: plan.some(({ kind }) => kind === 'clock-step'),
    logger,
  });
  let watch: RunWatch | undefined;
  try {
    const startMs = performance.now();
    await testbed.cluster.client.submit(config, 'trained');
    watch = await RunWatch.open(testbed.services.redisUrl, config.name);
    const watched = watch;
    await watch.until(() => watched.record !== undefined, 'the run to begin');
    const faults = await disturb(options, testbed, watch, plan);
    await watch.until(() => watched.isOver, 'the end of the run', timeoutMs);
    const error = watch.record?.error;
    if (error) throw errorFromWire(error);
    const durationMs = performance.now() - startMs;
    return {
      ledger: await inspectLedger(testbed.services, config.name, logger),
      leftovers: await leftoversOf(testbed.services, config.name, logger),
      trace: await readTrace(testbed.services, config.name),
      faults,
      durationMs,
    };
  } finally {
    await watch?.close();
    await testbed.close();
  }
}

/**
 * Does one fault after the other, each when its step has come and the run has recovered from the one before. One that
 * cannot be done yet, such as a kill while nobody else holds the weights, lets the next ones pass.
 */
async function disturb(
  { say, times, timeoutMs }: TrainOptions,
  testbed: Testbed,
  watch: RunWatch,
  plan: readonly PlannedFault[],
): Promise<FaultReport[]> {
  const reports: FaultReport[] = [];
  const waiting = [...plan];
  let storeIsBackMs = 0;
  const isDue = ({ kind, atStep }: PlannedFault): boolean =>
    watch.numCommitted >= atStep &&
    (!isStoreFault(kind) || Date.now() >= storeIsBackMs) &&
    canBeDone(kind, testbed, watch);
  while (waiting.length > 0) {
    await watch.until(() => watch.isOver || waiting.some(isDue), 'a fault to be due', timeoutMs);
    const [fault] = waiting.splice(waiting.findIndex(isDue), 1);
    if (watch.isOver || fault === undefined) break;
    const { kind } = fault;
    if (isStoreFault(kind))
      storeIsBackMs =
        Date.now() + 1_000 + (kind === 'store-outage' ? times.storeOutageMs : times.pauseMs);
    const report = await recoverFrom(fault, testbed, watch, times);
    if (report === undefined) break;
    say(`step ${report.atStep}: ${kind}, recovered after ${report.recoveredMs} ms`);
    reports.push(report);
  }
  return reports;
}

function isStoreFault(kind: FaultKind): boolean {
  return kind.startsWith('store-');
}
