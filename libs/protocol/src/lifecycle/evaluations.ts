import {
  measureAlike,
  phaseAt,
  phasesOf,
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

type Judged = Evaluated & Pick<RunRecord, 'config'>;

/**
 * The checkpoint with the best score, or where there are none the least held-out loss, the first of several; undefined when none
 * was evaluated. Losses on
 * examples of other lengths or masks tell nothing of each other: of a run in phases the best is one of those that were measured as
 * its newest was.
 */
export function bestCheckpoint(
  run: Judged,
  checkpointSteps: readonly number[],
): Evaluation | undefined {
  const known = evaluated(run, checkpointSteps);
  const newest = known.at(-1);
  return known
    .filter((one) => newest !== undefined && measureAlike(phaseOf(run, one), phaseOf(run, newest)))
    .reduce<Evaluation | undefined>(
      (best, one) => (best === undefined || isBetter(one, best) ? one : best),
      undefined,
    );
}

/** Numbers of the phases, from 1 on, that the best checkpoint is looked for in; undefined when these are all that have begun. */
export function bestPhases(run: Judged, checkpointSteps: readonly number[]): number[] | undefined {
  const newest = evaluated(run, checkpointSteps).at(-1);
  if (newest === undefined) return undefined;
  const last = phaseOf(run, newest);
  const begun = phasesOf(run.config).filter(({ index }) => index <= last.index);
  const alike = begun.filter((phase) => measureAlike(phase, last));
  return alike.length === begun.length ? undefined : alike.map(({ index }) => index + 1);
}

/** By the score where either has one, then by the loss. */
function isBetter(one: Evaluation, other: Evaluation): boolean {
  const [a, b] = [one, other].map(({ score = -Infinity }) => score);
  return a! > b! || (a === b && one.loss < other.loss);
}

/** Evaluations of checkpoints, oldest first. */
function evaluated(
  { attempts, evaluations }: Evaluated,
  checkpointSteps: readonly number[],
): Evaluation[] {
  return evaluations
    .filter((one) => checkpointSteps.includes(one.step) && isOnLine(attempts, one))
    .toSorted((a, b) => a.step - b.step);
}

/** The phase that trained the weights. */
function phaseOf({ config }: Judged, { step }: Evaluation): Phase {
  return phaseAt(config, Math.max(0, step - 1));
}

function isOnLine(attempts: Evaluated['attempts'], { attempt, step }: Evaluation): boolean {
  return !isAbandoned(attempts, { kind: 'eval', attempt, step });
}
