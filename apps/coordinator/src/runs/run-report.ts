import {
  exampleSetsOf,
  describeHealth,
  isFinal,
  judgeHealth,
  phaseAt,
  taskOfRun,
  type DatasetReport,
  type MemberInfo,
  type MetricsLine,
  type RelayReport,
  type RunRecord,
  type RunStatusReport,
  type View,
} from '@berth/contracts';
import {
  createExampleIndex,
  createPreparationNotes,
  createRelayNotes,
  openRun,
  type CheckpointRef,
  type LiveMember,
  type RedisConnection,
} from '@berth/queue';
import {
  bestCheckpoint,
  bestPhases,
  controlStates,
  isAbandoned,
  isAlive,
  isInScope,
  reasonToWait,
  stepAtEnd,
  type ControlSnapshot,
  type Scope,
} from '@berth/protocol';
import type { RunOutlines } from '../metrics-series/run-outlines.ts';
import { troubleOf } from './run-trouble.ts';
import type { Health } from '../reports/health.ts';
import { networkReportOf } from '../reports/network-report.ts';

/** What holds for all runs at the time of a report. */
export interface ReportContext {
  readonly runs: readonly RunRecord[];
  readonly activeId: string | undefined;
  /** Everyone who beat lately, by whatever age. */
  readonly members: readonly LiveMember[];
  /** What the coordinator that answers takes up. @defaultValue all runs */
  readonly scope?: Scope | undefined;
  readonly outlines: RunOutlines;
  /** Whether Redis takes writes; undefined when nobody has asked. */
  readonly redis: Health | undefined;
}

// Enough for a steady rate, few enough to follow a change.
const numRateLines = 20;
/** Longest that a report waits for a history that is read for the first time. */
const outlinePatienceMs = 1_000;

/** A run with what it is doing right now. @throws BerthError `QUEUE_UNREACHABLE` */
export async function reportOf(
  connection: RedisConnection,
  run: RunRecord,
  context: ReportContext,
): Promise<RunStatusReport> {
  const { activeId, members, outlines, redis } = context;
  const { runId, config, attempts, status } = run;
  const { ledger, views, metrics, checkpoints: index } = openRun(connection, runId);
  const [preparation, numCommitted, view, logged, checkpoints] = await Promise.all([
    status === 'preparing' ? createPreparationNotes(connection, runId).reported() : undefined,
    ledger.numCommitted(),
    views.current(),
    metrics.last(2 * numRateLines),
    index.list(),
  ]);
  const newest = checkpoints.at(-1);
  const checkpointSteps = checkpoints.map((checkpoint) => checkpoint.step);
  // Redis may have lost the ledger of a run that has ended, and then nobody puts it back.
  const step = isFinal(status) ? Math.max(numCommitted, stepAtEnd(attempts)) : numCommitted;
  const outline = await outlines.of({ run, numCommitted: step }, outlinePatienceMs);
  const steps = logged.filter((line) => line.kind === 'step' && !isAbandoned(attempts, line));
  const { tokensPerSecond, stepMs } = rateOf(steps.slice(-numRateLines));
  const alive = members.filter((member) => member.info.runId === runId && isAlive(member));
  const snapshot = await controlSnapshot(connection, run, numCommitted, checkpoints);
  const waiting = waitingFor(run, context);
  const trouble = troubleOf({
    run,
    checkpointStep: newest?.step ?? null,
    members: runId === activeId ? members.map(({ info }) => info) : [],
    redis,
  });
  const relay = await relayReportOf(connection, view);
  const aliveInfos = alive.map(({ info }) => info);
  const network = networkReportOf(run, { view, members: aliveInfos, steps });
  const reason = [waiting ?? run.reason, ...(trouble === undefined ? [] : [trouble])].join('; ');
  return {
    run: { ...run, reason },
    step,
    numSteps: config.train.numSteps,
    last: steps.at(-1) ?? outline?.lastStep ?? null,
    lastEval: outline?.lastEval ?? null,
    tokensPerSecond: isFinal(status) ? null : tokensPerSecond,
    etaMs:
      stepMs === null || isFinal(status) ? null : (config.train.numSteps - numCommitted) * stepMs,
    view: view ?? null,
    checkpointStep: newest?.step ?? null,
    checkpointAtMs: newest?.savedAtMs ?? null,
    best: bestCheckpoint(run, checkpointSteps) ?? null,
    bestPhases: bestPhases(run, checkpointSteps),
    ...savesOf(aliveInfos),
    numWorkersAlive: alive.length,
    releases: Object.fromEntries(
      alive.flatMap(({ info: { memberId, version } }) =>
        version === undefined ? [] : [[memberId, version]],
      ),
    ),
    drains: Object.fromEntries(
      alive.flatMap(({ info: { memberId, drain } }) =>
        drain === undefined ? [] : [[memberId, drain.reason]],
      ),
    ),
    clocksAheadMs: Object.fromEntries(
      alive.flatMap(({ info: { memberId, clockAheadMs } }) =>
        clockAheadMs === undefined ? [] : [[memberId, clockAheadMs]],
      ),
    ),
    ...(relay && { relay }),
    ...(network && { network }),
    sparkline: outline?.lossCourse() ?? [],
    controls: controlStates(Date.now(), run, snapshot),
    ...(trouble !== undefined && { trouble }),
    dataset: datasetReportOf(run),
    numExampleShards: await numShardsOf(connection, run),
    phase: phaseReportOf(run, step),
    ...(preparation && { preparation }),
  };
}

async function relayReportOf(
  connection: RedisConnection,
  view: View | undefined,
): Promise<RelayReport | undefined> {
  if (view?.relay === undefined) return undefined;
  const traffic = await createRelayNotes(connection).read(view.relay.memberId);
  return { ...view.relay, traffic: traffic ?? null };
}

function phaseReportOf({ config }: RunRecord, step: number): RunStatusReport['phase'] {
  if (config.phases === undefined) return undefined;
  const { index, endStep, examples, globalBatch } = phaseAt(config, step);
  const { maxSeqLength } = examples;
  const numPhases = config.phases.length;
  return { number: index + 1, numPhases, endStep, maxSeqLength, globalBatch };
}

async function numShardsOf(connection: RedisConnection, run: RunRecord): Promise<number> {
  const sets = [...new Set(exampleSetsOf(run))];
  const counts = await Promise.all(
    sets.map((exampleSet) => createExampleIndex(connection, exampleSet).count()),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function waitingFor(run: RunRecord, { runs, activeId, scope }: ReportContext): string | undefined {
  if (!isFinal(run.status) && !isInScope(run, scope))
    return `this cluster was started for ${scope?.runId} alone: berth resume ${run.runId} goes on with this one`;
  return run.status === 'queued' ? reasonToWait(run, runs, activeId) : undefined;
}

function datasetReportOf(run: RunRecord): DatasetReport | undefined {
  const { config, datasetHealth, requests } = run;
  // Of data that is compared with the files nobody knows yet whether it will be used.
  if (datasetHealth === undefined || requests.submission !== null) return undefined;
  if (config.corpus === undefined) return undefined;
  const { doLowerCase, heldOutRatio } = run.datasetSettings ?? {
    ...config.vocabulary,
    ...config.corpus,
  };
  const { maxSeqLength } = config.examples;
  const { pairsSentences } = taskOfRun(run);
  return {
    summary: describeHealth(datasetHealth),
    findings: judgeHealth(datasetHealth, {
      doLowerCase,
      heldOutRatio,
      maxSeqLength,
      pairsSentences,
    }),
  };
}

/** What its workers save, and what the newest of their saves took. */
function savesOf(members: readonly MemberInfo[]): Pick<RunStatusReport, 'saving' | 'saved'> {
  const [late] = members
    .flatMap(({ memberId, saving }) => (saving === undefined ? [] : [{ ...saving, memberId }]))
    // Whoever has it on disk leads the save.
    .sort((a, b) => b.spooledBytes - a.spooledBytes || b.forMs - a.forMs);
  const [saved] = members.flatMap((member) => member.saved ?? []).sort((a, b) => b.step - a.step);
  return { ...(late && { saving: late }), ...(saved && { saved }) };
}

/** What controls are decided by, as Redis knows it. */
export async function controlSnapshot(
  connection: RedisConnection,
  { runId, attempts, status }: RunRecord,
  numCommitted: number,
  checkpoints: readonly CheckpointRef[],
): Promise<ControlSnapshot> {
  const checkpointSteps = checkpoints.map(({ step }) => step);
  const saved = checkpointSteps.at(-1) ?? 0;
  let unsavedMs = 0;
  if (!isFinal(status) && numCommitted > saved) {
    const { ledger } = openRun(connection, runId);
    const [last, before] = await Promise.all([
      ledger.entry(numCommitted - 1),
      saved > 0 ? ledger.entry(saved - 1) : undefined,
    ]);
    const sinceMs = before?.committedAtMs ?? attempts[0]?.startedAtMs ?? 0;
    unsavedMs = Math.max(0, (last?.committedAtMs ?? sinceMs) - sinceMs);
  }
  return { numCommitted, checkpointSteps, unsavedMs };
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
