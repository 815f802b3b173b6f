import { storedLedger } from '@berth/checkpoint';
import {
  addSums,
  metricsFromSums,
  type AnyDataset,
  type MetricsLine,
  type Numerics,
  type ObjectStore,
  type RunRecord,
  type StepSums,
  type Task,
} from '@berth/contracts';
import type { CheckpointSource } from '../checkpoint/open-checkpoint.ts';

/** What a run can say of a checkpoint: the facts of its model card. */
export interface RunFacts {
  readonly runId: string;
  readonly step: number;
  readonly task: Task;
  /** Absent when only the bucket's checkpoints are left of the run. */
  readonly record: RunRecord | undefined;
  readonly dataset: AnyDataset;
  readonly numExamples: number;
  readonly numTokens: number;
  /** Means over the newest steps by metric, and over how many. */
  readonly training: {
    readonly numSteps: number;
    readonly metrics: Readonly<Record<string, number>>;
  };
  /** The newest evaluation at the checkpoint or before it. */
  readonly heldOut: MetricsLine | undefined;
  readonly ledgerHead: string;
  readonly weightsDigest: string;
  readonly numerics: Numerics;
}

/** Steps that the training loss of a card is the mean of. */
const numRecentSteps = 100;

/**
 * Adds up the ledger of a checkpoint, one segment in memory at a time.
 * @param known.evaluations of the run, in any order
 * @throws BerthError `CHECKPOINT_CORRUPT` when the ledger is damaged, and what the store throws
 */
export async function gatherFacts(
  store: ObjectStore,
  { manifest, dataset }: CheckpointSource,
  known: {
    readonly task: Task;
    readonly record: RunRecord | undefined;
    readonly evaluations: readonly MetricsLine[];
  },
): Promise<RunFacts> {
  const { runId, step, ledgerHead, weightsDigest, numerics } = manifest;
  const { task, record, evaluations } = known;
  const recent: StepSums[] = [];
  let [numExamples, numTokens] = [0, 0];
  for await (const page of storedLedger(store, manifest).entries(0))
    for (const entry of page) {
      numExamples += entry.numExamples;
      numTokens += entry.sums['numTokens'] ?? 0;
      recent.push(entry.sums);
      if (recent.length > numRecentSteps) recent.shift();
    }
  return {
    runId,
    step,
    task,
    record,
    dataset,
    numExamples,
    numTokens,
    training: {
      numSteps: recent.length,
      metrics: metricsFromSums(task, addSums(task.sums, recent)),
    },
    heldOut: evaluations
      .filter((line) => line.kind === 'eval' && line.step <= step)
      .reduce<MetricsLine | undefined>((a, b) => (a && a.step > b.step ? a : b), undefined),
    ledgerHead,
    weightsDigest,
    numerics,
  };
}
