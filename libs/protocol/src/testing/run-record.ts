import { noRequests, parseRunConfig, trainingHash, type RunRecord } from '@berth/contracts';
import { newAttempt } from '../lifecycle/attempts.ts';

/** The record of a run that has its data and trains in its first attempt. */
export function runRecord(runId: string, change: Partial<RunRecord> = {}): RunRecord {
  const { config = parseRunConfig({ name: runId, corpus: { path: '/text' } }, 'test') } = change;
  return {
    runId,
    config,
    trainingHash: trainingHash(config),
    status: 'running',
    reason: '',
    error: null,
    goal: 'trained',
    createdAtMs: 1,
    updatedAtMs: 1,
    attempts: [newAttempt(1, 0, 1)],
    requests: noRequests,
    keptSteps: [],
    evaluations: [],
    manifestKey: 'm',
    exampleSetId: 'e',
    numerics: null,
    ...change,
  };
}
