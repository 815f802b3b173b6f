import {
  milestonesOf,
  type CheckpointReport,
  type ControlState,
  type RunRecord,
} from '@berth/contracts';
import type { SurveyedCheckpoint } from '@berth/checkpoint';
import { bestCheckpoint, decideControl, type ControlSnapshot } from '@berth/protocol';

/** Describes a run's checkpoints, newest first. */
export function describeCheckpoints(
  nowMs: number,
  run: RunRecord,
  surveyed: readonly SurveyedCheckpoint[],
  heldOut: (step: number, attempt: number) => CheckpointReport['heldOut'],
): CheckpointReport[] {
  const usable = surveyed.filter((found) => whyUnusable(found) === undefined);
  // A resume from a named checkpoint asks for nothing else.
  const snapshot = {
    numCommitted: 0,
    checkpointSteps: usable.map(({ step }) => step),
    unsavedMs: 0,
  };
  const best = bestCheckpoint(run, snapshot.checkpointSteps);
  return surveyed.toReversed().map((found) => {
    const { step, attempt, isLeftBehind, manifest, manifestKey, validity } = found;
    const { sizeBytes, numParts } = found;
    const createdAtMs = manifest?.createdAtMs ?? found.lastModifiedMs;
    return {
      step,
      attempt,
      isAbandoned: isLeftBehind,
      kind: kindOf(step, run),
      isBest: step === best?.step && whyUnusable(found) === undefined,
      validity,
      sizeBytes,
      numParts,
      createdAtMs,
      weightsDigest: manifest?.weightsDigest ?? '',
      manifestKey,
      isPinned: run.keptSteps.includes(step) && !isLeftBehind,
      saveMs: manifest?.saving?.durationMs ?? null,
      stallMs: manifest?.saving?.stallMs ?? null,
      heldOut: heldOut(step, attempt),
      matchesConfig: manifest === undefined || manifest.trainingHash === run.trainingHash,
      resume: resumeFrom(nowMs, run, snapshot, found),
    };
  });
}

function resumeFrom(
  nowMs: number,
  run: RunRecord,
  snapshot: ControlSnapshot,
  found: SurveyedCheckpoint,
): ControlState {
  const unusable = whyUnusable(found);
  if (unusable !== undefined) return { isEnabled: false, reason: unusable };
  const request = { fromStep: found.step };
  const { kind, reason } = decideControl(nowMs, run, snapshot, 'resume', request);
  return { isEnabled: kind === 'change', reason };
}

function whyUnusable({ validity, isLeftBehind }: SurveyedCheckpoint): string | undefined {
  if (isLeftBehind) return 'it is on a branch that the run has left behind';
  switch (validity) {
    case 'complete':
      return undefined;
    case 'incomplete':
      return 'it was not written to its end';
    case 'corrupt':
      return 'a part of it is missing or damaged';
  }
}

/** Why it is kept, the firmest reason first. */
function kindOf(step: number, { config, keptSteps }: RunRecord): CheckpointReport['kind'] {
  const { numSteps, keepEverySteps } = config.train;
  if (step === numSteps) return 'final';
  if (keepEverySteps > 0 && step % keepEverySteps === 0) return 'permanent';
  if (milestonesOf(config).includes(step)) return 'permanent';
  return keptSteps.includes(step) ? 'manual' : 'rolling';
}
