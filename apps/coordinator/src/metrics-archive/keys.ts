import { eventFileName } from '@berth/observability';

/** Start of the keys of all attempts of a run. */
export function attemptsPrefix(runId: string): string {
  return `runs/${runId}/attempt-`;
}

/** Where the history of one attempt of a run lies. */
export function attemptPrefix(runId: string, attempt: number): string {
  return `${attemptsPrefix(runId)}${attempt}/`;
}

/** The attempt that a key belongs to; undefined for any other key. */
export function attemptOfKey(runId: string, key: string): number | undefined {
  const digits = /^(\d+)\//.exec(key.slice(attemptsPrefix(runId).length))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Segments are counted from 1 and padded, so that `cat metrics-*.jsonl` gives the whole in order. */
export function segmentKey(prefix: string, index: number): string {
  return `${prefix}metrics-${String(index).padStart(6, '0')}.jsonl`;
}

export function eventsKey(prefix: string, startedAtMs: number, index: number): string {
  return `${prefix}${eventFileName(startedAtMs, index)}`;
}

/** The index of a segment by its key; undefined for any other key. */
export function segmentIndexOf(key: string): number | undefined {
  const digits = /\/metrics-(\d{6})\.jsonl$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
