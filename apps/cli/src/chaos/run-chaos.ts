import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  errorFromWire,
  isFinal,
  type Logger,
  type RunConfig,
  type RunStatusReport,
} from '@berth/contracts';
import { startCluster, type Cluster } from '../cluster.ts';
import { createCoordinatorClient, type CoordinatorClient } from '../coordinator-client.ts';
import { inspectLedger, type LedgerInspection } from '../inspect-ledger.ts';
import { commitFault } from './commit-fault.ts';
import { planFaults, type FaultCounts, type FaultKind, type PlannedFault } from './plan.ts';

export interface ChaosOptions {
  readonly config: RunConfig;
  readonly seed: number;
  readonly counts: FaultCounts;
  readonly storeOutageMs: number;
  /** Longest the disturbed run may take. */
  readonly timeoutMs: number;
  /** Both runs' data and logs go below it. */
  readonly folder: string;
  readonly logger: Logger;
  readonly say: (message: string) => void;
}

/** A fault as it happened. */
export interface DoneFault {
  readonly kind: FaultKind;
  readonly atStep: number;
  /** From the fault to the next committed step. */
  readonly recoveredMs: number | null;
}

export interface ChaosReport {
  readonly seed: number;
  readonly isSame: boolean;
  readonly calm: LedgerInspection;
  readonly disturbed: LedgerInspection;
  readonly faults: readonly DoneFault[];
  readonly calmMs: number;
  readonly disturbedMs: number;
}

const pollMs = 50;

/** Trains the same run twice, once undisturbed and once through faults, and compares what they left behind. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { config, seed, counts, say } = options;
  say('the undisturbed run');
  const calm = await trainOnce(options, []);
  const plan = planFaults(seed, config.train.numSteps, counts);
  say(`the disturbed run: ${plan.length} faults, seed ${seed}`);
  const disturbed = await trainOnce(options, plan);
  return {
    seed,
    isSame:
      calm.ledger.ok &&
      disturbed.ledger.ok &&
      calm.ledger.weightsDigest === disturbed.ledger.weightsDigest &&
      calm.ledger.head === disturbed.ledger.head,
    calm: calm.ledger,
    disturbed: disturbed.ledger,
    faults: disturbed.faults,
    calmMs: calm.durationMs,
    disturbedMs: disturbed.durationMs,
  };
}

async function trainOnce(
  options: ChaosOptions,
  plan: readonly PlannedFault[],
): Promise<{ ledger: LedgerInspection; faults: DoneFault[]; durationMs: number }> {
  const { config, logger, folder } = options;
  const cluster = await startCluster({
    folder: mkdtempSync(join(folder, plan.length === 0 ? 'calm-' : 'disturbed-')),
    numWorkers: config.cluster.numWorkers,
    numThreads: config.cluster.numThreads,
    env: {},
    logger,
    say: () => undefined,
  });
  try {
    const client = createCoordinatorClient(cluster.coordinatorUrl);
    const startMs = performance.now();
    await client.submit(config, 'trained');
    const faults = await watchAndDisturb(options, cluster, client, plan);
    const durationMs = performance.now() - startMs;
    return {
      ledger: await inspectLedger(cluster.services, config.name, logger),
      faults,
      durationMs,
    };
  } finally {
    await cluster.close();
  }
}

async function watchAndDisturb(
  options: ChaosOptions,
  cluster: Cluster,
  client: CoordinatorClient,
  plan: readonly PlannedFault[],
): Promise<DoneFault[]> {
  const { config, say, storeOutageMs, timeoutMs } = options;
  const waiting = [...plan];
  const done: { kind: FaultKind; atStep: number; sinceMs: number; recoveredMs: number | null }[] =
    [];
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const report = await statusOf(client, config.name);
    if (report !== undefined && isFinal(report.run.status)) {
      if (report.run.error !== null) throw errorFromWire(report.run.error);
      return done.map(({ kind, atStep, recoveredMs }) => ({ kind, atStep, recoveredMs }));
    }
    if (performance.now() > deadlineMs)
      throw new BerthError(
        'RUN_FAILED',
        `The disturbed run did not end within ${timeoutMs} ms: ${report?.run.reason ?? 'no answer'}`,
      );
    if (report !== undefined) {
      for (const fault of done)
        if (fault.recoveredMs === null && report.step > fault.atStep)
          fault.recoveredMs = performance.now() - fault.sinceMs;
      const next = waiting[0];
      const isSettled = done.every((fault) => fault.recoveredMs !== null);
      if (next !== undefined && isSettled && report.step >= next.atStep) {
        waiting.shift();
        say(`step ${report.step}: ${next.kind}`);
        done.push({
          kind: next.kind,
          atStep: report.step,
          sinceMs: performance.now(),
          recoveredMs: null,
        });
        await commitFault(next, cluster, { storeOutageMs });
      }
    }
    await sleep(pollMs);
  }
}

/** The run's state, or undefined while the coordinator or Redis is away. */
async function statusOf(
  client: CoordinatorClient,
  runId: string,
): Promise<RunStatusReport | undefined> {
  try {
    return await client.status(runId);
  } catch {
    return undefined;
  }
}
