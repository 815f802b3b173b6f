import type { Numerics, RunRecord, WorkerEnd } from '@berth/contracts';
import { knownDifference } from '@berth/protocol';

/** What a worker knows of itself when it looks at the run that it is there for. */
export interface OwnSituation {
  /** Its arithmetic, as far as that is known; absent of one that never trains. */
  readonly numerics?: Numerics | undefined;
  /** Why it could not take part when it last tried. */
  readonly trouble?: string | undefined;
}

/** What the run means for its worker: it is over, it cannot be taken part in now, or nothing keeps the worker from it. */
export type OwnRunJudgement =
  | { readonly kind: 'over' | 'hindered'; readonly end: WorkerEnd }
  | { readonly kind: 'open' };

/** Pure. An end that is the answer of what the run was before a request is no answer to the request. */
export function judgeOwnRun(
  runId: string,
  record: RunRecord | undefined,
  { numerics, trouble }: OwnSituation,
): OwnRunJudgement {
  if (record === undefined)
    return { kind: 'hindered', end: { kind: 'unknown', reason: `there is no run ${runId}` } };
  const { status, reason, error, requests } = record;
  if (requests.submission !== null) return { kind: 'open' };
  switch (status) {
    case 'completed':
      return { kind: 'over', end: { kind: 'complete', reason: `run ${runId} is complete` } };
    case 'failed':
      return {
        kind: 'over',
        end: { kind: 'failed', reason: `run ${runId} failed: ${error?.message ?? reason}` },
      };
    case 'stopped':
      return {
        kind: 'over',
        end: { kind: 'stopped', reason: `run ${runId} was stopped: ${reason}` },
      };
    case 'paused':
      return {
        kind: 'hindered',
        end: { kind: 'paused', reason: `run ${runId} is paused: ${reason}` },
      };
    default: {
      const difference = numerics && record.numerics && knownDifference(record.numerics, numerics);
      const why = difference || trouble;
      return why === undefined || why === null || why === ''
        ? { kind: 'open' }
        : { kind: 'hindered', end: { kind: 'refused', reason: `run ${runId}: ${why}` } };
    }
  }
}

/** The run that a worker is there for, as that worker sees it: when to end, and how. */
export class OwnRun {
  readonly runId: string;
  /** What may change from one look to the next. */
  situation: OwnSituation = {};
  readonly #waitMs: number;
  readonly #nowMs: () => number;
  #hindered: { readonly end: WorkerEnd; readonly sinceMs: number } | undefined;

  /** @param waitMs - how long it waits for the run to appear, or to become one that it can take part in */
  constructor(runId: string, waitMs: number, nowMs: () => number = () => performance.now()) {
    this.runId = runId;
    this.#waitMs = waitMs;
    this.#nowMs = nowMs;
  }

  /** What keeps the worker from its run; undefined when nothing does. */
  get hindrance(): WorkerEnd | undefined {
    return this.#hindered?.end;
  }

  /** @returns how the worker is to end now; undefined while it has to stay */
  look(record: RunRecord | undefined): WorkerEnd | undefined {
    const judgement = judgeOwnRun(this.runId, record, this.situation);
    if (judgement.kind === 'over') return judgement.end;
    if (judgement.kind === 'open') {
      this.#hindered = undefined;
      return undefined;
    }
    const { end } = judgement;
    const nowMs = this.#nowMs();
    const before = this.#hindered;
    const sinceMs = before?.end.kind === end.kind ? before.sinceMs : nowMs;
    this.#hindered = { end, sinceMs };
    if (nowMs - sinceMs < this.#waitMs) return undefined;
    const waited = `after ${Math.round(this.#waitMs / 1_000)} s of waiting`;
    return { ...end, reason: `${end.reason} (${waited})` };
  }
}
