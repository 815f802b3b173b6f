import {
  phaseAt,
  type RunRecord,
  type RunStatusReport,
  type View,
  type WorkerReport,
} from '@berth/contracts';
import { bestCheckpoint, bestPhases, controlStates, type ControlSnapshot } from '@berth/protocol';
import { madeUpPreparation } from './made-up-preparation.ts';
import { networkOf } from './made-up-network.ts';
import type { SyntheticCheckpoints } from './synthetic-checkpoints.ts';
import type { SyntheticHistory } from './synthetic-history.ts';

/** What a report tells of a made-up run. */
interface ReportedRun {
  readonly record: RunRecord;
  readonly step: number;
  readonly stepMs: number;
  readonly history: SyntheticHistory;
  readonly checkpoints: SyntheticCheckpoints;
  readonly workers: readonly WorkerReport[];
  readonly alive: readonly WorkerReport[];
  readonly viewVersion: number;
  readonly controlSnapshot: ControlSnapshot;
}

/** What the API says of a made-up run. */
export function reportOf(run: ReportedRun): RunStatusReport {
  const { record, step, stepMs, history, controlSnapshot } = run;
  const { status } = record;
  const { numSteps } = record.config.train;
  const last = history.lastStep ?? null;
  const [checkpoint] = run.checkpoints.kept;
  const isTraining = status === 'running' || status === 'degraded';
  return {
    run: record,
    step,
    numSteps,
    last,
    lastEval: history.lastEval ?? null,
    tokensPerSecond:
      isTraining && last !== null ? (last.numTokens / (last.stepMs ?? 1)) * 1000 : null,
    etaMs: isTraining ? (numSteps - step) * stepMs : null,
    view: viewOf(run),
    checkpointStep: checkpoint?.step ?? null,
    checkpointAtMs: checkpoint?.createdAtMs ?? null,
    best: bestCheckpoint(record, controlSnapshot.checkpointSteps) ?? null,
    bestPhases: bestPhases(record, controlSnapshot.checkpointSteps),
    phase: phaseOf(record, step),
    numWorkersAlive: run.alive.length,
    releases: {},
    drains: {},
    clocksAheadMs: {},
    sparkline: history.sparkline,
    controls: controlStates(Date.now(), record, controlSnapshot),
    numExampleShards: 16,
    ...(isTraining && last !== null && { network: networkOf(record.config, run.alive, last) }),
    ...(record.config.task === undefined &&
      (status === 'preparing' ? { preparation: madeUpPreparation } : { dataset: madeUpDataset })),
  };
}

const madeUpDataset: NonNullable<RunStatusReport['dataset']> = {
  summary:
    '3 files, 233 documents (0 of one sentence), 63,061 sentences, 2,154,773 tokens, 2.7 % held out, 0.11 % [UNK]',
  findings: [
    {
      severity: 'warning',
      code: 'left-out',
      text: 'left out of the corpus: README.md (not .txt, .jsonl, .ndjson, .csv, .tsv or .mds, each plain, .gz, .zst, .bz2 or .xz, or .parquet): convert what belongs to it, or name by a glob in corpus.path what does',
    },
  ],
};

function phaseOf({ config }: RunRecord, step: number): RunStatusReport['phase'] {
  if (config.phases === undefined) return undefined;
  const { index, endStep, globalBatch, examples } = phaseAt(config, step);
  const { maxSeqLength } = examples;
  return {
    number: index + 1,
    numPhases: config.phases.length,
    endStep,
    globalBatch,
    maxSeqLength,
  };
}

function viewOf({ record, viewVersion, step, alive, workers }: ReportedRun): View | null {
  if (alive.length === 0) return null;
  return {
    runId: record.runId,
    fencingEpoch: 1,
    version: viewVersion,
    fromStep: Math.max(0, step - 40),
    members: alive.map(({ memberId, host, port, blocks }) => ({ memberId, host, port, blocks })),
    mode: 'train',
    reason: workers.some(({ state }) => state === 'lost')
      ? 'A member was lost; the others share its part'
      : 'All workers have joined',
  };
}
