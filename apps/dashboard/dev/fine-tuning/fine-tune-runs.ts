import { parseRunConfig, withPlannedSteps, type ApiEvent, type RunStatus } from '@berth/contracts';
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
  readonly task?: object;
  readonly learningRate?: number;
  readonly seed?: number;
  /** @defaultValue all */
  readonly shareDone?: number;
}

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

/** A run of each kind of fine-tuning. */
export function makeFineTuneRuns(emit: (event: ApiEvent) => void): SyntheticRun[] {
  return kinds.map((one) => makeFineTune(one, emit));
}

function makeFineTune(
  { name, fineTuning, status, task, learningRate, seed = 7, shareDone = 1 }: MadeUpFineTune,
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
        ...task,
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
    reason: isTraining ? 'Training with all 2 workers' : `All ${numSteps} steps are done`,
    step: 0,
    numWorkers: isTraining ? 2 : 0,
    stepMs: 380,
    halfLife: numSteps / 4,
    createdAtMs: Date.now() - numSteps * 380 - 3_600_000,
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
