import {
  parseRunConfig,
  withPlannedSteps,
  type ApiEvent,
  type RunRecord,
  type RunStatus,
} from '@berth/contracts';
import type { FineTuning } from '@berth/contracts/constants';
import { SyntheticRun } from '../synthetic-run.ts';

const numTrainExamples = 11_200;
const presidents = [
  'Washington',
  'J. Adams',
  'Jefferson',
  'Madison',
  'Monroe',
  'J. Q. Adams',
  'Jackson',
  'Van Buren',
  'Tyler',
  'Polk',
  'Taylor',
  'Fillmore',
  'Pierce',
  'Buchanan',
  'Lincoln',
  'A. Johnson',
  'Grant',
  'Hayes',
  'Arthur',
  'Cleveland',
  'B. Harrison',
  'McKinley',
  'T. Roosevelt',
  'Taft',
  'Wilson',
  'Harding',
  'Coolidge',
  'Hoover',
  'F. D. Roosevelt',
  'Truman',
  'Eisenhower',
  'Kennedy',
  'L. B. Johnson',
  'Nixon',
  'Ford',
  'Carter',
  'Reagan',
  'Bush',
  'Clinton',
  'G. W. Bush',
];

interface MadeUpFineTune {
  readonly name: string;
  readonly fineTuning: FineTuning;
  readonly status: RunStatus;
  readonly learningRate?: number;
  readonly seed?: number;
  /** @defaultValue all */
  readonly shareDone?: number;
  readonly grid?: RunRecord['grid'];
}

const reasons: Partial<Record<RunStatus, string>> = {
  running: 'Training with all 2 workers',
  queued: 'era-grid-5 comes first',
};

const kinds: readonly MadeUpFineTune[] = [
  {
    name: 'ft-president',
    fineTuning: { kind: 'classify', labels: presidents },
    status: 'running',
    shareDone: 0.72,
  },
  {
    name: 'ft-topics',
    fineTuning: { kind: 'classify-many', labels: ['economy', 'war', 'treaties', 'finance', 'law'] },
    status: 'completed',
  },
  { name: 'ft-similarity', fineTuning: { kind: 'regress' }, status: 'completed' },
  {
    name: 'ft-names',
    fineTuning: {
      kind: 'tag',
      labels: ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC', 'B-ORG', 'I-ORG'],
    },
    status: 'completed',
  },
  { name: 'ft-questions', fineTuning: { kind: 'answer' }, status: 'completed' },
];

/** A run of each kind of fine-tuning, and a grid of six. */
export function makeFineTuneRuns(emit: (event: ApiEvent) => void): SyntheticRun[] {
  return [...kinds, ...gridPoints()].map((one) => makeFineTune(one, emit));
}

function gridPoints(): MadeUpFineTune[] {
  const points = [2e-5, 5e-5, 1e-4].flatMap((rate) => [1, 2].map((seed) => ({ rate, seed })));
  return points.map(({ rate, seed }, i) => ({
    name: `era-grid-${i + 1}`,
    fineTuning: { kind: 'classify', labels: ['before 1900', 'after 1900'] },
    status: i < 4 ? 'completed' : i === 4 ? 'running' : 'queued',
    shareDone: i < 4 ? 1 : i === 4 ? 0.45 : 0,
    learningRate: rate,
    seed,
    grid: { name: 'era-grid', point: i + 1, values: { 'optimizer.learningRate': rate, seed } },
  }));
}

function makeFineTune(
  { name, fineTuning, status, learningRate, seed = 7, shareDone = 1, grid }: MadeUpFineTune,
  emit: (event: ApiEvent) => void,
): SyntheticRun {
  const written = parseRunConfig(
    {
      name,
      seed,
      init: { from: 'sotu-demo@120' },
      task: {
        kind: fineTuning.kind,
        train: `data/${name}/train.jsonl`,
        eval: 'data/eval.jsonl',
      },
      model: { size: 'mini' },
      optimizer: { ...(learningRate !== undefined && { learningRate }) },
      train: { virtualRanks: 8, evalEverySteps: 105 },
      cluster: { numWorkers: 2 },
    },
    'scenario',
  );
  const config = withPlannedSteps(written, numTrainExamples);
  const { numSteps } = config.train;
  const isTraining = status === 'running';
  const run = new SyntheticRun({
    config,
    status,
    reason: reasons[status] ?? `All ${numSteps} steps are done`,
    step: 0,
    numWorkers: isTraining ? 2 : 0,
    stepMs: 380,
    halfLife: numSteps / 4,
    createdAtMs: Date.now() - numSteps * 380 - 3_600_000,
    ...(grid !== undefined && { grid }),
    labelledData: { fineTuning, numTrainExamples, numHeldOutExamples: 1_240 },
    emit,
  });
  run.advanceTo(Math.floor(numSteps * shareDone), { isLive: false });
  if (status === 'completed') {
    run.checkpoint('final', { isLive: false });
    run.endAttempt(run.reason, run.clockMs);
  }
  return run;
}
