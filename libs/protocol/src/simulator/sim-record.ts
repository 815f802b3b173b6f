import { parseRunConfig, type RunRecord } from '@berth/contracts';
import { newAttempt } from '../lifecycle/attempts.ts';
import { runRecord } from '../testing/run-record.ts';
import { stepTimeoutMs } from './sim-member.ts';
import { globalBatch } from './toy-model.ts';
import { evalEverySteps, numSteps, runNumerics, virtualRanks } from './world.ts';

/** The record of the run that is simulated, as it is submitted. */
export function newRecord(runId: string, timeMs: number): RunRecord {
  const parsed = parseRunConfig(
    {
      name: runId,
      corpus: { path: '/text' },
      train: { numSteps, virtualRanks, globalBatch, evalEverySteps },
      cluster: { numWorkers: 2, minWorkers: 1 },
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
