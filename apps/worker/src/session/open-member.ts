import { setTimeout as sleep } from 'node:timers/promises';
import { putEvaluationReport } from '@berth/checkpoint';
import {
  BerthError,
  errorToWire,
  evaluationScore,
  exampleSetsOf,
  phasesOf,
  taskNameOf,
  taskOf,
  type Logger,
  type MeasuredLine,
  type MetricsLine,
  type ObjectStore,
  type RunRecord,
  type View,
} from '@berth/contracts';
import {
  epochShardsOf,
  isLabelled,
  readAnyDataset,
  readTextStatistics,
  storedExamplesOf,
} from '@berth/data';
import { numParametersOf, parameterLayout, taskModelOf } from '@berth/model';
import type { WorkerMetrics } from '@berth/observability/prometheus';
import { createExampleIndex, createRuns, openRun, type RedisConnection } from '@berth/queue';
import { noteEvaluation } from '@berth/protocol';
import {
  createCheckpointSaver,
  createExampleSource,
  createPhasedSource,
  Member,
  Spool,
  type CheckpointSaver,
} from '@berth/training';
import { reportMeterOf, storeInTime } from './evaluation-report.ts';
import { openExampleShards, shardTimeoutMs } from './open-example-shards.ts';
import type { Heartbeat } from '../telemetry/heartbeat.ts';
import { watchPace } from './pace.ts';
import { openNextExamples } from './open-next-examples.ts';
import { peerPort } from './peer-port.ts';
import type { Peers } from '../threads/peers.ts';
import type { Runtime } from '../threads/runtime.ts';
import { engineSpecOf, microBatchOf } from './engine-spec.ts';
import { storedStart } from './stored-start.ts';
import type { Troubles } from './troubles.ts';

export interface RunSessionPorts {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly runtime: Runtime;
  readonly peers: Peers;
  readonly logger: Logger;
  readonly heartbeat: Heartbeat;
  readonly troubles: Troubles;
  readonly metrics: WorkerMetrics;
  /** Told of each line that this worker measures for all: of a step, or of an evaluation. */
  readonly onMeasured?: ((line: MetricsLine, numSteps: number) => void) | undefined;
  /** The newest view of each run that this process has seen, kept from one session to the next. */
  readonly lastViews: Map<string, View>;
  /** Where states wait that the bucket does not take; in memory only when undefined. */
  readonly spoolFolder: string | undefined;
  /** Where examples are that are too many for memory; where the system has its temporary files when undefined. */
  readonly scratchFolder: string | undefined;
  /** Whether the worker is to leave a run that is as it is now, although that is not over. */
  readonly isEnough: (record: RunRecord | undefined) => boolean;
}

const settleTimeoutMs = 60_000;
const appendAgainMs = 500;

/** The attempt that a record is at. */
export function attemptOf({ attempts }: RunRecord): number {
  return attempts.at(-1)?.attempt ?? 1;
}

/**
 * Opens an engine for the run's model and wires the member's ports.
 * @param ended - the run is over, or left
 * @throws BerthError what the dataset, the engine or a spooled state is refused with
 */
export async function openMember(
  ports: RunSessionPorts,
  { memberId, record }: { readonly memberId: string; readonly record: RunRecord },
  ended: AbortSignal,
): Promise<{ readonly member: Member; readonly checkpoints: CheckpointSaver }> {
  const { connection, store, runtime, peers, logger, heartbeat } = ports;
  const { status } = heartbeat;
  const { runId, config, manifestKey } = record;
  const exampleSets = exampleSetsOf(record);
  const [exampleSetId] = exampleSets;
  if (manifestKey === null || exampleSetId === undefined)
    throw new BerthError('INTERNAL', `Run ${runId} has no dataset`);
  const manifest = await readAnyDataset(store, manifestKey);
  const statistics = isLabelled(manifest) ? undefined : await readTextStatistics(store, manifest);
  const { examples, train, seed } = config;
  const choice = isLabelled(manifest) ? manifest.fineTuning : taskNameOf(examples);
  const { numTokens } = manifest.vocabulary;
  const spec = engineSpecOf(config, { task: choice, numTokens });
  const { model } = spec;
  const task = taskOf(choice);
  const format = storedExamplesOf(choice);
  const phases = phasesOf(config);
  const attempt = attemptOf(record);
  const shards = openExampleShards(
    { ...ports, signal: ended },
    { record, dataset: manifest, format },
  );
  const run = openRun(connection, runId);
  const { ledger, rendezvous, metrics } = run;
  const source = createPhasedSource(phases, (phase) =>
    createExampleSource({
      task,
      seed,
      shardsOf: epochShardsOf({ train: manifest.train, ...phase.examples, seed }),
      shuffleWindowShards: examples.shuffleWindowShards,
      maxSeqLength: phase.examples.maxSeqLength,
      maxPredictions: phase.examples.maxPredictions,
      globalBatch: phase.globalBatch,
      virtualRanks: train.virtualRanks,
      microBatch: microBatchOf(config, phase),
      shards: shards[phase.index]!,
    }),
  );
  const examplesAreOpen = openNextExamples(ledger, source);
  const numElements = numParametersOf(parameterLayout(model, taskModelOf(choice)));
  status.numSumElements = numElements + task.sums.length;
  // Warm before anyone waits for it, as the engine is; a lone worker may never need it.
  const isWarm = config.cluster.numWorkers > 1;
  const laidOut = peers.layOutState([numElements, numElements, numElements], { isWarm });
  heartbeat.tellOpening('compiling');
  const opened = await runtime.openEngine(spec, config.cluster.stepTimeoutMs);
  status.fingerprint = opened.fingerprint;
  const engine = watchPace(opened.engine, (rankMs) => {
    status.rankMs = rankMs;
  });
  heartbeat.tellOpening('waiting for examples');
  const [state] = await Promise.all([laidOut, examplesAreOpen]);
  const runs = createRuns(connection);
  const checkpoints = createCheckpointSaver({
    store,
    ledger,
    rendezvous,
    layout: engine.layout,
    memberId,
    record,
    model,
    datasetId: manifest.datasetId,
    exampleSetId,
    numerics: { ...runtime.numerics, fingerprint: opened.fingerprint },
    onSaved({ step, manifestKey, durationMs, stallMs }) {
      ports.metrics.checkpointSaved(runId, { durationMs, stallMs });
      status.saved = { step, durationMs, stallMs };
      return run.checkpoints.note({ step, manifestKey, savedAtMs: Date.now() });
    },
    currentRecord: () => runs.read(runId),
    onDeleted: (step) => run.checkpoints.forget(step),
    onDiverged: (view, error) => member.diverged(view, error),
    onTried: (error) =>
      error === undefined
        ? ports.troubles.done('saving a checkpoint')
        : ports.troubles.failed('saving a checkpoint', error),
    onPending(pending) {
      status.pending = pending;
      ports.metrics.checkpointPending(runId, pending);
    },
    spool: ports.spoolFolder === undefined ? undefined : new Spool(ports.spoolFolder, memberId),
    logger,
  });
  const noteEvaluated = async (line: MetricsLine): Promise<void> => {
    const { attempt: ofAttempt, step, loss } = line;
    const score = evaluationScore(task, config.task?.metric, line);
    const evaluation = { attempt: ofAttempt, step, loss, ...(score !== undefined && { score }) };
    const steps = (await run.checkpoints.list()).map((saved) => saved.step);
    await runs.change(runId, (now) => ({ evaluations: noteEvaluation(now, evaluation, steps) }));
  };
  // Before members look for the newest checkpoint.
  await checkpoints.storeSpooled();
  const member: Member = new Member(
    {
      engine,
      storedStart: storedStart({
        store,
        record,
        dataset: manifest,
        task: choice,
        model,
        logger,
      }),
      peers: peerPort(peers, {
        state,
        runId,
        dtype: train.allReduceDtype,
        numSums: task.sums.length,
      }),
      ledger,
      rendezvous,
      examples: source,
      heldOut: (phase) => shards[phase]!.heldOut(),
      baselines: () => format.baselines(statistics),
      reportMeter: isLabelled(manifest)
        ? reportMeterOf({
            store,
            index: createExampleIndex(connection, exampleSetId),
            dataset: manifest,
            task: config.task,
            timeoutMs: shardTimeoutMs,
            logger,
          })
        : undefined,
      checkpoints,
      reporter: {
        step: (step) => {
          status.step = step;
          ports.metrics.progress(runId, step);
        },
        timed: (phases) => ports.metrics.phases(runId, phases),
        status(state, complaint) {
          if (state === 'training') Object.assign(status, { state, complaint });
          else heartbeat.tell({ state, complaint });
        },
        report: (step, report) =>
          storeInTime(() => putEvaluationReport(store, { runId, attempt, step }, report), {
            isLast: step >= config.train.numSteps,
            signal: ended,
            logger,
          }),
        metrics: inOrder((line: MeasuredLine) =>
          atLast(
            async () => {
              await metrics.append({ attempt, ...line });
              ports.onMeasured?.({ attempt, ...line }, train.numSteps);
              if (line.kind === 'eval') await noteEvaluated({ attempt, ...line });
            },
            ended,
            logger,
          ),
        ),
      },
      logger,
    },
    { runId, memberId, config, settleTimeoutMs, lastView: ports.lastViews.get(runId) },
  );
  return { member, checkpoints };
}

/** Does the work of one call after the other, none of which may reject. */
function inOrder<T>(work: (item: T) => Promise<void>): (item: T) => Promise<void> {
  let last = Promise.resolve();
  return (item) => (last = last.then(() => work(item)));
}

/** Notes a metrics line, after an outage if need be: a run is complete only when its last evaluation is there. */
async function atLast(
  note: () => Promise<void>,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  while (!signal.aborted)
    try {
      await note();
      return;
    } catch (error) {
      logger.warn('A metrics line waits for Redis', { error: errorToWire(error) });
      await sleep(appendAgainMs);
    }
}
