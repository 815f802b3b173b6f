import type { CheckpointReport, RunRecord } from '@berth/contracts';
import type { SurveyedCheckpoint } from '@berth/checkpoint';

/** Describes a run's checkpoints, newest first. */
export function describeCheckpoints(
  run: RunRecord,
  surveyed: readonly SurveyedCheckpoint[],
  heldOut: (step: number, attempt: number) => CheckpointReport['heldOut'],
): CheckpointReport[] {
  return surveyed.toReversed().map((found) => {
    const { step, attempt, isLeftBehind, manifest, manifestKey, validity } = found;
    const { sizeBytes, numParts } = found;
    const createdAtMs = manifest?.createdAtMs ?? found.lastModifiedMs;
    return {
      step,
      attempt,
      isAbandoned: isLeftBehind,
      kind: kindOf(step, run),
      validity,
      sizeBytes,
      numParts,
      createdAtMs,
      weightsDigest: manifest?.weightsDigest ?? '',
      manifestKey,
      heldOut: heldOut(step, attempt),
      matchesConfig: manifest === undefined || manifest.trainingHash === run.trainingHash,
    };
  });
}

function kindOf(step: number, { config }: RunRecord): CheckpointReport['kind'] {
  const { numSteps, keepEverySteps } = config.train;
  if (step === numSteps) return 'final';
  return keepEverySteps > 0 && step % keepEverySteps === 0 ? 'permanent' : 'rolling';
}
