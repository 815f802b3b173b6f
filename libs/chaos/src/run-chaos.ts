import type { LedgerInspection } from './inspect-ledger.ts';
import { planFaults, type FaultCounts } from './plan.ts';
import type { FaultReport } from './recover-from.ts';
import { differences } from './trace.ts';
import { trainOnce, type Training, type TrainOptions } from './train-once.ts';

export interface ChaosOptions extends TrainOptions {
  /** Each decides the faults of one disturbed run. */
  readonly seeds: readonly number[];
  readonly counts: FaultCounts;
  /** Numbers of workers to train with undisturbed too, besides one. */
  readonly sizes: readonly number[];
}

export interface ChaosReport {
  /** Where each run's processes logged. */
  readonly folder: string;
  /** The same weights, ledger and losses, every example used once. */
  readonly isSame: boolean;
  /** What differs from the undisturbed run, or is missing. */
  readonly problems: readonly string[];
  /** Of one worker first; all others are compared with it. */
  readonly undisturbed: readonly SizeReport[];
  readonly disturbed: readonly DisturbedReport[];
}

export interface DisturbedReport {
  readonly seed: number;
  readonly ledger: LedgerInspection;
  readonly faults: readonly FaultReport[];
  readonly durationMs: number;
}

export interface SizeReport {
  readonly numWorkers: number;
  readonly weightsDigest: string | null;
  readonly durationMs: number;
}

/** Trains the same run undisturbed by a lone worker, and through the faults of each seed, and compares all they left. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { config, seeds, counts, sizes, say } = options;
  say('the undisturbed run, with 1 worker');
  const calm = await trainOnce(options, { numWorkers: 1 });
  const problems = [...calm.ledger.problems];
  const compare = (other: Training, name: string): void => {
    const found = [
      ...differences(calm.trace, other.trace),
      ...other.ledger.problems,
      ...other.leftovers,
    ];
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

  const disturbed: DisturbedReport[] = [];
  const omissions: string[] = [];
  for (const seed of seeds) {
    const plan = planFaults(seed, config.train.numSteps, counts);
    say(`the disturbed run: ${plan.length} faults, seed ${seed}`);
    const { numWorkers } = config.cluster;
    const training = await trainOnce(options, { numWorkers, numCoordinators: 2, plan });
    const { ledger, faults, durationMs } = training;
    compare(training, `disturbed, seed ${seed}`);
    const notDone = plan.length - faults.length;
    if (notDone > 0)
      omissions.push(`seed ${seed}: the run was over before ${notDone} of its faults`);
    disturbed.push({ seed, ledger, faults, durationMs });
  }
  return {
    folder: options.folder,
    isSame: problems.length === 0,
    problems: [...problems, ...omissions],
    undisturbed,
    disturbed,
  };
}

function sizeReport(numWorkers: number, { ledger, durationMs }: Training): SizeReport {
  return { numWorkers, weightsDigest: ledger.weightsDigest, durationMs };
}
