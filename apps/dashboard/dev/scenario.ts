import { isFinal, parseRunConfig, type ApiEvent, type RunConfig } from '@berth/contracts';
import { makeFineTuneRuns } from './fine-tuning/fine-tune-runs.ts';
import { SyntheticRun } from './synthetic-run.ts';

const hour = 3_600_000;

/** Runs in every state that a run can be in, the largest with 100,000 steps and 64 workers. */
export function makeRuns(
  emit: (event: ApiEvent) => void,
  { isSmall }: { isSmall: boolean },
): SyntheticRun[] {
  return [
    queued(emit),
    degraded(emit),
    ...(isSmall ? [] : [hundredThousandSteps(emit)]),
    simple(emit, 'sotu-small', 'paused', 'Paused at step 640; its workers are free', 640, 800),
    simple(
      emit,
      'news-mini-r2',
      'preparing',
      'Tokenising: 40 % of 1.09 GB, 169,201 documents, 5.7 MB/s, about 3 min left',
      0,
      2000,
    ),
    failed(emit),
    simple(
      emit,
      'sotu-demo',
      'completed',
      'All 120 steps are done; the final checkpoint is at step 120',
      120,
      120,
    ),
    simple(emit, 'sotu-wsd', 'completed', 'All 120 steps are done', 120, 120, {
      optimizer: { learningRate: 0.0005, numWarmupSteps: 10, schedule: 'wsd', numDecaySteps: 20 },
      corpus: { parts: ['web', 'books'].map((part) => ({ name: part, path: `corpus/${part}` })) },
      phases: [
        { numSteps: 80, maxSeqLength: 64 },
        { numSteps: 40, corpusWeights: { web: 1, books: 3 } },
      ],
    }),
    withoutWorkers(emit),
    simple(emit, 'lr-probe-3e-4', 'stopped', 'Stopped by a person at step 1,400', 1400, 5000),
    ...makeFineTuneRuns(emit),
  ];
}

function configOf(name: string, numSteps: number, patch: object = {}): RunConfig {
  return parseRunConfig(
    {
      name,
      seed: 4711 + name.length,
      corpus: { path: 'corpus/sotu.jsonl.gz' },
      vocabulary: { size: 8192 },
      model: { size: 'mini' },
      optimizer: { learningRate: 0.0005, numWarmupSteps: Math.floor(numSteps * 0.02) },
      train: {
        numSteps,
        globalBatch: 64,
        virtualRanks: 8,
        evalEverySteps: Math.max(1, Math.floor(numSteps / 25)),
        checkpointEverySteps: Math.max(1, Math.floor(numSteps / 12)),
      },
      cluster: { numWorkers: 4, minWorkers: 2 },
      ...patch,
    },
    'scenario',
  );
}

function hundredThousandSteps(emit: (event: ApiEvent) => void): SyntheticRun {
  const config = configOf('wiki-base-64', 100_000, {
    corpus: { path: 's3://corpora/wiki-en/*.jsonl.gz' },
    vocabulary: { size: 30_522 },
    model: { size: 'base' },
    optimizer: { learningRate: 0.0001, numWarmupSteps: 2000 },
    train: {
      numSteps: 100_000,
      globalBatch: 256,
      virtualRanks: 64,
      evalEverySteps: 1000,
      checkpointEverySteps: 1000,
      keepLast: 4,
      keepEverySteps: 10_000,
      precision: 'bf16',
      allReduceDtype: 'bf16',
    },
    cluster: { numWorkers: 64, minWorkers: 48, numThreads: 4 },
  });
  const stepMs = 840;
  const run = new SyntheticRun({
    config,
    status: 'running',
    reason: 'Training with 64 of 64 workers; worker-6 needs 1.9 times the median',
    step: 0,
    numWorkers: 64,
    stepMs,
    halfLife: 22_000,
    createdAtMs: Date.now() - 99_500 * stepMs - 5 * hour,
    emit,
  });
  const quiet = { isLive: false };
  run.advanceTo(21_400, quiet);
  run.lose(17, 'its connection broke', quiet);
  run.advanceTo(21_900, quiet);
  run.join(70, quiet);
  run.advanceTo(48_700, quiet);
  run.endAttempt('stopped by a person: the learning rate was looked at', run.clockMs);
  run.resumeFrom(40_000, quiet);
  run.advanceTo(66_000, quiet);
  run.lose(40, 'no heartbeat for 1.2 s', quiet);
  run.advanceTo(66_350, quiet);
  run.join(71, quiet);
  run.advanceTo(98_800, quiet);
  return run;
}

function degraded(emit: (event: ApiEvent) => void): SyntheticRun {
  const run = new SyntheticRun({
    config: configOf('sotu-mini-7kq2', 4000),
    status: 'degraded',
    reason:
      'Training with 3 of 4 workers: worker-3 was lost 40 s ago, its connection broke; waiting for it or another',
    step: 0,
    numWorkers: 4,
    stepMs: 420,
    halfLife: 900,
    createdAtMs: Date.now() - 2000 * 420 - 90_000,
    emit,
  });
  run.advanceTo(1180, { isLive: false });
  run.checkpoint('manual', { isLive: false });
  run.advanceTo(1716, { isLive: false });
  run.lose(2, 'its connection broke', { isLive: false });
  run.advanceTo(1812, { isLive: false });
  run.become(run.status, run.reason);
  return run;
}

function queued(emit: (event: ApiEvent) => void): SyntheticRun {
  return new SyntheticRun({
    config: configOf('news-base-long', 20_000, {
      model: { size: 'base' },
      vocabulary: { size: 30_522 },
      cluster: { numWorkers: 8, minWorkers: 4 },
    }),
    status: 'queued',
    reason:
      'Waiting for 4 workers: none of the 68 in the cluster is idle; wiki-base-64 holds 64 of them',
    step: 0,
    numWorkers: 0,
    stepMs: 500,
    halfLife: 2000,
    createdAtMs: Date.now() - 4 * 60_000,
    emit,
  });
}

function failed(emit: (event: ApiEvent) => void): SyntheticRun {
  const run = simple(
    emit,
    'lr-probe-3e-2',
    'failed',
    'The loss is not a finite number at step 318',
    317,
    5000,
  );
  run.error = {
    code: 'NUMERICS_NOT_FINITE',
    message:
      'Step 318: the loss is NaN on every worker. Lower optimizer.learningRate (0.03) or lengthen the warm-up, then resume from step 0',
    details: { step: 318 },
  };
  const last = run.history.stretches[0]?.lines.at(-1);
  if (last !== undefined) {
    const bad = { loss: NaN, masked_lm_loss: NaN, gradientNorm: NaN };
    run.history.add([{ ...last, ...bad, step: 318, timeMs: last.timeMs + 400 }]);
  }
  return run;
}

function withoutWorkers(emit: (event: ApiEvent) => void): SyntheticRun {
  const run = simple(
    emit,
    'night-run',
    'recovering',
    'waiting for workers: 0 of at least 2 are here',
    902,
    3000,
  );
  run.lose(1, 'its machine does not answer', { isLive: false });
  run.lose(0, 'its connection broke', { isLive: false });
  return run;
}

function simple(
  emit: (event: ApiEvent) => void,
  name: string,
  status: SyntheticRun['status'],
  reason: string,
  step: number,
  numSteps: number,
  patch: object = {},
): SyntheticRun {
  const run = new SyntheticRun({
    config: configOf(name, numSteps, patch),
    status,
    reason,
    step: 0,
    numWorkers: status === 'recovering' || status === 'preparing' ? 2 : 0,
    stepMs: 400,
    halfLife: Math.max(40, numSteps / 5),
    createdAtMs: Date.now() - 7 * hour - numSteps * 400,
    emit,
  });
  run.advanceTo(step, { isLive: false });
  if (status === 'completed') run.checkpoint('final', { isLive: false });
  if (isFinal(status)) run.endAttempt(reason, run.clockMs);
  return run;
}
