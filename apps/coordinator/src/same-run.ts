import {
  BerthError,
  digestOf,
  trainingHash,
  type RunConfig,
  type RunRecord,
} from '@berth/contracts';

/**
 * A run's name stands for one training; a config that would give other weights is another run.
 * @throws BerthError `DATA_MISMATCH` for what the prepared data fixes, `CHECKPOINT_MISMATCH` for the rest
 */
export function checkSameRun(existing: RunRecord, config: RunConfig): void {
  if (existing.trainingHash === trainingHash(config)) return;
  const difference = firstDifference(existing.config, config);
  const shapesData = /^(corpus|vocabulary|examples)\./.test(difference.path);
  throw new BerthError(
    shapesData ? 'DATA_MISMATCH' : 'CHECKPOINT_MISMATCH',
    `Run "${existing.runId}" was made with ${difference.path} ${difference.before}, this config says ` +
      `${difference.after}; ${shapesData ? 'its prepared data' : 'its checkpoints'} cannot be used: ` +
      'restore the value, or choose another name',
  );
}

interface Difference {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

function firstDifference(before: RunConfig, after: RunConfig): Difference {
  for (const section of [
    'vocabulary',
    'examples',
    'corpus',
    'model',
    'optimizer',
    'train',
    'cluster',
  ] as const) {
    const [old, now] = [before[section] as Fields, after[section] as Fields];
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
      if (ignoredKeys.has(`${section}.${key}`) || digestOf([old[key]]) === digestOf([now[key]]))
        continue;
      return { path: `${section}.${key}`, before: show(old[key]), after: show(now[key]) };
    }
  }
  return { path: 'seed', before: show(before.seed), after: show(after.seed) };
}

type Fields = Readonly<Record<string, unknown>>;

/** Settings that do not change the weights. */
const ignoredKeys: ReadonlySet<string> = new Set([
  'corpus.path',
  'vocabulary.path',
  'examples.readAheadShards',
  'train.evalEverySteps',
  'train.numEvalExamples',
  'train.checkpointEverySteps',
  'train.keepLast',
  'train.keepEverySteps',
  'cluster.numWorkers',
  'cluster.minWorkers',
  'cluster.stepTimeoutMs',
]);

function show(value: unknown): string {
  return value === undefined ? 'unset' : JSON.stringify(value);
}
