import { computed, effect, signal, untracked } from '@preact/signals';
import type { ApiEvent } from '@berth/contracts';
import { api, ApiError, query } from '../api/client.ts';
import { readToken, tokenVersion } from '../api/token.ts';
import { followEvents, type StreamState } from '../api/event-stream.ts';
import { route } from '../router.ts';
import {
  applyEvent,
  emptyState,
  listRuns,
  withoutRun,
  withRun,
  type LiveState,
} from './live-state.ts';

const state = signal<LiveState>(emptyState);

export const stream = signal<StreamState>('connecting');
/** When the page last heard from the server, in this machine's time. */
export const heardAtMs = signal(Date.now());
/** Why the first read failed; null once it has worked. */
export const loadError = signal<string | null>(null);

export const cluster = computed(() => state.value.cluster);
export const runs = computed(() => listRuns(state.value));
const openRunId = computed(() => (route.value.page === 'run' ? route.value.runId : undefined));
export const openRun = computed(() => {
  const runId = openRunId.value;
  return runId === undefined ? undefined : state.value.runs?.get(runId);
});
export const workers = computed(() => state.value.open?.workers ?? null);
export const checkpoints = computed(() => state.value.open?.checkpoints ?? null);

/** Seconds tick, in the server's time as far as it is known. */
export const nowMs = signal(Date.now());

/** Longest that reading waits for the stream. */
const followTimeoutMs = 1500;

/** Resolves once events flow, or soon: what is read afterwards has no gap to them. */
export function whenFollowing(): Promise<void> {
  if (stream.value === 'live') return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(finish, followTimeoutMs);
    const stop = stream.subscribe((next) => {
      if (next === 'live') queueMicrotask(finish);
    });
  });
}

type Listener = (event: ApiEvent) => void;
const listeners = new Set<Listener>();

/** Tells of every event until the returned function is called; `resync` when everything must be read anew. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Takes in what a control or a submission answered, before the event that says the same. */
export function takeReport(report: Parameters<typeof withRun>[1]): void {
  state.value = withRun(state.value, report);
}

/** Takes in that a run is gone, before the event that says so. */
export function dropRun(runId: string): void {
  state.value = withoutRun(state.value, runId);
}

/** Starts to read and to follow; again whenever another run is opened or another token is known. */
export function startLive(): void {
  effect(() => {
    const runId = openRunId.value;
    void tokenVersion.value;
    untracked(() => {
      state.value = { ...state.value, open: openOf(runId) };
      stream.value = 'connecting';
    });
    const stop = followEvents({
      path: `/api/events${query({ run: runId })}`,
      token: readToken(),
      onEvent: (event) => {
        state.value = applyEvent(state.value, event);
        for (const listener of listeners) listener(event);
      },
      onHeard: () => (heardAtMs.value = Date.now()),
      onState: (next) => {
        stream.value = next;
        // Nothing was read while the server was away.
        if (next === 'live' && loadError.value !== null) void readAll(runId);
      },
      onResync: () => {
        void readAll(runId);
        for (const listener of listeners) listener({ type: 'resync', reason: 'missed events' });
      },
    });
    void untracked(whenFollowing).then(() => readAll(runId));
    return stop;
  });
  setInterval(() => (nowMs.value = Date.now() + clockOffsetMs()), 1000);
}

function openOf(runId: string | undefined): LiveState['open'] {
  return runId === undefined ? null : { runId, workers: null, checkpoints: null };
}

/** How far the server's clock is ahead of this one, when it last said. */
let offsetMs = 0;
function clockOffsetMs(): number {
  return offsetMs;
}

async function readAll(runId: string | undefined): Promise<void> {
  try {
    await Promise.all([readCluster(), readRuns(), runId === undefined ? [] : readOpen(runId)]);
    loadError.value = null;
  } catch (error) {
    loadError.value = error instanceof ApiError ? error.message : String(error);
  }
}

async function readCluster(): Promise<void> {
  const report = await api.cluster();
  offsetMs = report.nowMs - Date.now();
  state.value = { ...state.value, cluster: report };
}

async function readRuns(): Promise<void> {
  const reports = await api.runs();
  const runs = new Map(reports.map((report) => [report.run.runId, report]));
  state.value = { ...state.value, runs };
}

async function readOpen(runId: string): Promise<void> {
  const put = (patch: Partial<NonNullable<LiveState['open']>>): void => {
    const { open } = state.value;
    if (open?.runId === runId) state.value = { ...state.value, open: { ...open, ...patch } };
  };
  const ignoreMissing = (error: unknown): void => {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  };
  await Promise.all([
    api
      .workers(runId)
      .then((workers) => put({ workers }))
      .catch(ignoreMissing),
    api
      .checkpoints(runId)
      .then((checkpoints) => put({ checkpoints }))
      .catch(ignoreMissing),
  ]);
}
