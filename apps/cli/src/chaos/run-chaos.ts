import type { LedgerInspection } from '../inspect-ledger.ts';
import { planFaults, type FaultCounts } from './plan.ts';
import type { FaultReport } from './recover-from.ts';
import { differences } from './trace.ts';
import { trainOnce, type Training, type TrainOptions } from './train-once.ts';

export interface ChaosOptions extends TrainOptions {
  readonly seed: number;
  readonly counts: FaultCounts;
  /** Numbers of workers to train with undisturbed too, besides one. */
  readonly sizes: readonly number[];
}

export interface ChaosReport {
  readonly seed: number;
  /** Where each run's processes logged. */
  readonly folder: string;
  /** The same weights, ledger and losses, every example used once. */
  readonly isSame: boolean;
  /** What differs from the undisturbed run, or is missing. */
  readonly problems: readonly string[];
  /** Of one worker first; all others are compared with it. */
  readonly undisturbed: readonly SizeReport[];
  readonly disturbed: LedgerInspection;
  readonly faults: readonly FaultReport[];
  readonly disturbedMs: number;
}

export interface SizeReport {
  readonly numWorkers: number;
  readonly weightsDigest: string | null;
  readonly durationMs: number;
}

/** Trains the same run twice, once undisturbed by a lone worker and once through faults, and compares all they left. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { config, seed, counts, sizes, say } = options;
  say('the undisturbed run, with 1 worker');
  const calm = await trainOnce(options, { numWorkers: 1 });
  const problems = [...calm.ledger.problems];
  const compare = (other: Training, name: string): void => {
    const found = [...differences(calm.trace, other.trace), ...other.ledger.problems];
    if (calm.ledger.weightsDigest !== other.ledger.weightsDigest) found.push('other weights');
    problems.push(...found.map((problem) => `${name}: ${problem}`));
  };

  const undisturbed: SizeReport[] = [sizeReport(1, calm)];
  for (const numWorkers of sizes) {
    say(`the undisturbed run, with ${numWorkers} workers`);
    const other = await trainOnce(options, { numWorkers });
    compare(other, `${numWorkers} workers`);
    undisturbed.push(sizeReport(numWorkers, other));
  }

  const plan = planFaults(seed, config.train.numSteps, counts);
  say(`the disturbed run: ${plan.length} faults, seed ${seed}`);
  const { numWorkers } = config.cluster;
  const disturbed = await trainOnce(options, { numWorkers, numCoordinators: 2, plan });
  compare(disturbed, 'disturbed');
  const isSame = problems.length === 0;
  const notDone = plan.length - disturbed.faults.length;
  if (notDone > 0) problems.push(`the disturbed run was over before ${notDone} of its faults`);
  return {
    seed,
    folder: options.folder,
    isSame,
    problems,
    undisturbed,
    disturbed: disturbed.ledger,
    faults: disturbed.faults,
    disturbedMs: disturbed.durationMs,
  };
}

function sizeReport(numWorkers: number, { ledger, durationMs }: Training): SizeReport {
  return { numWorkers, weightsDigest: ledger.weightsDigest, durationMs };
}
