import { parseRunConfig, type RunRecord } from '@berth/contracts';
import { newAttempt } from '../lifecycle/attempts.ts';
import { runRecord } from '../testing/run-record.ts';
import { stepTimeoutMs } from './sim-member.ts';
import { globalBatch } from './toy-model.ts';
import { evalEverySteps, numSteps, phaseSteps, runNumerics, virtualRanks } from './world.ts';

/** Each with other masks than the one before. */
const phases = [0, ...phaseSteps].map((firstStep, index, firstSteps) => ({
  numSteps: (firstSteps[index + 1] ?? numSteps) - firstStep,
  maskedLmRatio: index % 2 === 0 ? 0.3 : 0.15,
}));

/** The record of the run that is simulated, as it is submitted. */
export function newRecord(runId: string, timeMs: number, hasPhases: boolean): RunRecord {
  const parsed = parseRunConfig(
    {
      name: runId,
      corpus: { path: '/text' },
      train: { numSteps, virtualRanks, globalBatch, evalEverySteps },
      cluster: { numWorkers: 2, minWorkers: 1 },
      ...(hasPhases && { phases }),
    },
    'the simulation',
  );
  const config = { ...parsed, cluster: { ...parsed.cluster, stepTimeoutMs } };
  return runRecord(runId, {
    config,
    status: 'queued',
    reason: 'submitted',
    createdAtMs: timeMs,
    updatedAtMs: timeMs,
    attempts: [newAttempt(1, 0, timeMs)],
    manifestKey: 'dataset',
    exampleSetId: 'examples',
    numerics: runNumerics,
  });
}
