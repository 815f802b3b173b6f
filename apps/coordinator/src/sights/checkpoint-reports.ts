import type { CheckpointReport, RunAttempt, RunRecord } from '@berth/contracts';
import type { SurveyedCheckpoint } from '@berth/checkpoint';

/** Describes a run's checkpoints, newest first. */
export function describeCheckpoints(
  run: RunRecord,
  surveyed: readonly SurveyedCheckpoint[],
  evalLoss: (step: number, attempt: number) => number | null,
): CheckpointReport[] {
  return surveyed.toReversed().map((found) => {
    const { step, manifest, manifestKey, validity, sizeBytes, numParts } = found;
    const createdAtMs = manifest?.createdAtMs ?? found.lastModifiedMs;
    const attempt = found.abandonedAttempt ?? attemptAt(run.attempts, createdAtMs)?.attempt ?? 1;
    return {
      step,
      attempt,
      isAbandoned: found.abandonedAttempt !== undefined,
      kind: kindOf(step, run),
      validity,
      sizeBytes,
      numParts,
      createdAtMs,
      weightsDigest: manifest?.weightsDigest ?? '',
      manifestKey,
      evalLoss: evalLoss(step, attempt),
      matchesConfig: manifest === undefined || manifest.trainingHash === run.trainingHash,
    };
  });
}

function attemptAt(attempts: readonly RunAttempt[], timeMs: number): RunAttempt | undefined {
  return attempts.findLast(({ startedAtMs }) => startedAtMs <= timeMs) ?? attempts[0];
}

function kindOf(step: number, { config }: RunRecord): CheckpointReport['kind'] {
  const { numSteps, keepEverySteps } = config.train;
  if (step === numSteps) return 'final';
  return keepEverySteps > 0 && step % keepEverySteps === 0 ? 'permanent' : 'rolling';
}
