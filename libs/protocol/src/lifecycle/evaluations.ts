import {
  measureAlike,
  phaseAt,
  type Evaluation,
  type Phase,
  type RunRecord,
} from '@berth/contracts';
import { isAbandoned } from './attempts.ts';

/** What of a record says how good its checkpoints are. */
type Evaluated = Pick<RunRecord, 'attempts' | 'evaluations'>;

/**
 * The evaluations of a run with one more. Those of steps that have no checkpoint, and get none any more, go; so does what a
 * later attempt has left behind.
 * @param checkpointSteps - steps that have a checkpoint
 */
export function noteEvaluation(
  { attempts, evaluations }: Evaluated,
  evaluation: Evaluation,
  checkpointSteps: readonly number[],
): Evaluation[] {
  const newest = Math.max(-1, ...checkpointSteps);
  const mayCount = ({ step }: Evaluation): boolean =>
    step > newest || checkpointSteps.includes(step);
  const others = evaluations.filter(
    (other) => other.step !== evaluation.step && mayCount(other) && isOnLine(attempts, other),
  );
  // What is not finite is no best, and no JSON.
  const added = Number.isFinite(evaluation.loss) ? [evaluation] : [];
  return [...others, ...added].sort((a, b) => a.step - b.step);
}

/**
 * The checkpoint with the least held-out loss, the first of several; undefined when none was evaluated. Losses on
 * examples of other lengths or masks tell nothing of each other: of a run in phases the best is one of those that were measured as
 * its newest was.
 */
export function bestCheckpoint(
  { attempts, evaluations, config }: Evaluated & Pick<RunRecord, 'config'>,
  checkpointSteps: readonly number[],
): Evaluation | undefined {
  const phaseOf = ({ step }: Evaluation): Phase => phaseAt(config, Math.max(0, step - 1));
  const known = evaluations.filter(
    (one) => checkpointSteps.includes(one.step) && isOnLine(attempts, one),
  );
  const newest = known.toSorted((a, b) => a.step - b.step).at(-1);
  return known
    .filter((one) => newest !== undefined && measureAlike(phaseOf(one), phaseOf(newest)))
    .reduce<Evaluation | undefined>(
      (best, one) => (best === undefined || one.loss < best.loss ? one : best),
      undefined,
    );
}

function isOnLine(attempts: Evaluated['attempts'], { attempt, step }: Evaluation): boolean {
  return !isAbandoned(attempts, { kind: 'eval', attempt, step });
}
