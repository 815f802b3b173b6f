import {
  BerthError,
  digestOf,
  isFinal,
  trainingHash,
  type MetricsLine,
  type MetricsPage,
  type RunAttempt,
  type RunConfig,
  type RunRecord,
  type RunStatus,
  type RunStatusReport,
} from '@berth/contracts';
import {
  createCheckpointIndex,
  createExampleIndex,
  createLedger,
  createMetricsLog,
  createRuns,
  createViews,
  type RedisConnection,
} from '@berth/queue';

/** What people may ask of runs. State lives in Redis; the controller acts on it. */
export interface RunService {
  /** Creates a run, or goes on with the one of that name if it is the same run. */
  submit(config: RunConfig, goal: RunRecord['goal']): Promise<RunStatusReport>;
  resume(runId: string): Promise<RunStatusReport>;
  /** Saves, then stops; a run that has not begun to train stops at once. */
  stop(runId: string): Promise<RunStatusReport>;
  report(runId: string): Promise<RunStatusReport>;
  list(): Promise<RunStatusReport[]>;
  /** Metrics lines after a cursor of an earlier answer, '' for the first; oldest first, at most a thousand. */
  metrics(runId: string, after: string): Promise<MetricsPage>;
}

const resumable: readonly RunStatus[] = ['stopped', 'failed', 'crashed', 'completed'];
// Enough for a steady rate, few enough to follow a change.
const numRateLines = 20;
const numLinesPerAnswer = 1_000;

export function createRunService(connection: RedisConnection): RunService {
  const runs = createRuns(connection);

  const read = async (runId: string): Promise<RunRecord> => {
    const record = await runs.read(runId);
    if (record !== undefined) return record;
    const known = (await runs.list()).map((run) => run.runId).join(', ');
    throw new BerthError(
      'RUN_NOT_FOUND',
      `There is no run "${runId}"; known runs: ${known || 'none'}`,
    );
  };

  const reportOf = async (run: RunRecord): Promise<RunStatusReport> => {
    const { runId, config } = run;
    const [step, view, lines, checkpoint] = await Promise.all([
      createLedger(connection, runId).numCommitted(),
      createViews(connection, runId).current(),
      createMetricsLog(connection, runId).last(numRateLines),
      createCheckpointIndex(connection, runId).newest(),
    ]);
    const steps = lines.filter((line) => line.kind === 'step');
    const { tokensPerSecond, stepMs } = rateOf(steps);
    return {
      run,
      step,
      numSteps: config.train.numSteps,
      last: steps.at(-1) ?? null,
      lastEval: lines.findLast((line) => line.kind === 'eval') ?? null,
      tokensPerSecond,
      etaMs: stepMs === null ? null : (config.train.numSteps - step) * stepMs,
      view: view ?? null,
      checkpointStep: checkpoint?.step ?? null,
      checkpointAtMs: null,
      numWorkersAlive: view?.members.length ?? 0,
      sparkline: steps.map((line) => line.loss),
      controls: controlStates(run.status),
      numExampleShards:
        run.exampleSetId === null
          ? 0
          : await createExampleIndex(connection, run.exampleSetId).count(),
    };
  };

  const requeue = async (record: RunRecord, change: Partial<RunRecord>): Promise<RunStatusReport> =>
    reportOf(
      await runs.update(record.runId, resumable, {
        status: 'queued',
        reason: 'resumed, waiting for its turn',
        error: null,
        updatedAtMs: Date.now(),
        ...change,
      }),
    );

  return {
    async submit(config, goal) {
      const existing = await runs.read(config.name);
      if (existing === undefined) {
        const record = newRecord(config, goal);
        await runs.create(record);
        return reportOf(record);
      }
      checkSameRun(existing, config);
      if (!isFinal(existing.status)) return reportOf(existing);
      if (existing.status === 'completed' && existing.goal === 'trained')
        throw new BerthError(
          'RUN_STATE_CONFLICT',
          `Run "${config.name}" is completed; choose another name to train again`,
        );
      return requeue(existing, { config, goal });
    },

    async resume(runId) {
      const record = await read(runId);
      if (!isFinal(record.status))
        throw new BerthError('RUN_STATE_CONFLICT', `Run "${runId}" is ${record.status} already`);
      if (record.status === 'completed' && record.goal === 'trained')
        throw new BerthError(
          'RUN_STATE_CONFLICT',
          `Run "${runId}" is completed; nothing is left to do`,
        );
      return requeue(record, { goal: 'trained' });
    },

    async stop(runId) {
      const record = await read(runId);
      if (isFinal(record.status))
        throw new BerthError(
          'RUN_STATE_CONFLICT',
          `Run "${runId}" is ${record.status}; it cannot be stopped`,
        );
      const training: readonly RunStatus[] = ['running', 'recovering', 'stopping'];
      const isTraining = training.includes(record.status);
      return reportOf(
        await runs.update(runId, [record.status], {
          status: isTraining ? 'stopping' : 'stopped',
          reason: isTraining ? 'saving before it stops' : 'stopped before training began',
          updatedAtMs: Date.now(),
        }),
      );
    },

    report: async (runId) => reportOf(await read(runId)),
    list: async () => Promise.all((await runs.list()).map(reportOf)),
    metrics: async (runId, after) =>
      createMetricsLog(connection, (await read(runId)).runId).after(after, numLinesPerAnswer),
  };
}

function newAttempt(attempt: number, fromStep: number, startedAtMs: number): RunAttempt {
  return {
    attempt,
    startedAtMs,
    fromStep,
    endedAtMs: null,
    toStep: null,
    endReason: null,
    abandonedFromStep: null,
  };
}

function controlStates(status: RunStatus): RunStatusReport['controls'] {
  const when = (isEnabled: boolean) => ({ isEnabled, reason: isEnabled ? '' : `it is ${status}` });
  return {
    pause: when(false),
    resume: when(resumable.includes(status)),
    stop: when(!isFinal(status)),
    kill: when(false),
    checkpoint: when(false),
  };
}

function newRecord(config: RunConfig, goal: RunRecord['goal']): RunRecord {
  const nowMs = Date.now();
  return {
    runId: config.name,
    config,
    trainingHash: trainingHash(config),
    status: 'queued',
    reason: 'waiting for its turn',
    error: null,
    goal,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    attempts: [newAttempt(1, 0, nowMs)],
    manifestKey: null,
    exampleSetId: null,
    numerics: null,
  };
}

/**
 * A run's name stands for one training; a config that would give other weights is another run.
 * @throws BerthError `DATA_MISMATCH` for what the prepared data fixes, `CHECKPOINT_MISMATCH` for the rest
 */
function checkSameRun(existing: RunRecord, config: RunConfig): void {
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

/** Tokens a second and median step time over some step lines; null until there are three. */
export function rateOf(steps: readonly MetricsLine[]): {
  tokensPerSecond: number | null;
  stepMs: number | null;
} {
  const [first, last] = [steps[0], steps.at(-1)];
  if (first === undefined || last === undefined || steps.length < 3)
    return { tokensPerSecond: null, stepMs: null };
  const spanMs = last.timeMs - first.timeMs;
  const numTokens = steps.slice(1).reduce((sum, line) => sum + line.numTokens, 0);
  const durations = steps.map((line) => line.stepMs ?? 0).sort((a, b) => a - b);
  return {
    tokensPerSecond: spanMs > 0 ? (1000 * numTokens) / spanMs : null,
    stepMs: durations[Math.floor(durations.length / 2)] ?? null,
  };
}
