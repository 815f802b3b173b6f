import type {
  ApiEvent,
  CheckpointReport,
  ClusterReport,
  LogLine,
  RunStatusReport,
  WorkerReport,
} from '@berth/contracts';

/** The run whose page is open. */
export interface OpenRun {
  readonly runId: string;
  /** Null until read. */
  readonly workers: readonly WorkerReport[] | null;
  readonly checkpoints: readonly CheckpointReport[] | null;
}

/** What the page knows of the cluster; null is not read yet. */
export interface LiveState {
  readonly cluster: ClusterReport | null;
  /** By run id. */
  readonly runs: ReadonlyMap<string, RunStatusReport> | null;
  readonly open: OpenRun | null;
}

export const emptyState: LiveState = { cluster: null, runs: null, open: null };

/** The state after an event. One that is about a run that is not open, or that comes twice, changes nothing. */
export function applyEvent(state: LiveState, event: ApiEvent): LiveState {
  switch (event.type) {
    case 'cluster':
      return { ...state, cluster: event.report };
    case 'run':
      return withRun(state, event.report);
    case 'removed':
      return withoutRun(state, event.runId);
    case 'workers':
      return patchOpen(state, event.runId, { workers: event.workers });
    case 'checkpoints':
      return patchOpen(state, event.runId, { checkpoints: event.checkpoints });
    case 'metrics':
    case 'marker':
    case 'logs':
    case 'resync':
      return state;
  }
}

/** Puts a run's newest report in, unless a newer one is there. */
export function withRun(state: LiveState, report: RunStatusReport): LiveState {
  const runs = new Map(state.runs);
  const known = runs.get(report.run.runId);
  if (known !== undefined && known.run.updatedAtMs > report.run.updatedAtMs) return state;
  runs.set(report.run.runId, report);
  return { ...state, runs };
}

/** Without a run that there is no longer. */
export function withoutRun(state: LiveState, runId: string): LiveState {
  const runs = new Map(state.runs);
  runs.delete(runId);
  return { ...state, runs };
}

/** The runs, newest first. */
export function listRuns(state: LiveState): RunStatusReport[] | null {
  if (state.runs === null) return null;
  return [...state.runs.values()].toSorted((a, b) => b.run.createdAtMs - a.run.createdAtMs);
}

/** Appends log lines, without those that are there, and keeps the newest `limit`. */
export function appendLogLines(
  lines: readonly LogLine[],
  added: readonly LogLine[],
  limit: number,
): readonly LogLine[] {
  const newest = lines.slice(-200).map(keyOfLine);
  const seen = new Set(newest);
  const fresh = added.filter((line) => !seen.has(keyOfLine(line)));
  return fresh.length === 0 ? lines : [...lines, ...fresh].slice(-limit);
}

function keyOfLine({ timeMs, source, message, step }: LogLine): string {
  return `${timeMs} ${source} ${step} ${message}`;
}

function patchOpen(state: LiveState, runId: string, patch: Partial<OpenRun>): LiveState {
  if (state.open?.runId !== runId) return state;
  return { ...state, open: { ...state.open, ...patch } };
}
