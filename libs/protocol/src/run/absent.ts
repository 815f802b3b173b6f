import { durationText } from '../lifecycle/texts.ts';
import type { LiveMember } from './membership-state.ts';
import { workerOf } from './worker-name.ts';

/** When each member of a run was last seen alive, by the coordinator's clock. */
export type LastSeen = ReadonlyMap<string, number>;

/** After this time nobody is told of a member any more. */
const rememberMs = 3_600_000;

/** Notes who is there now. */
export function noteSeen(
  before: LastSeen,
  live: readonly LiveMember[],
  runId: string,
  nowMs: number,
): LastSeen {
  const after = new Map([...before].filter(([, seenMs]) => nowMs - seenMs < rememberMs));
  for (const { memberId, runId: opened } of live) if (opened === runId) after.set(memberId, nowMs);
  return after;
}

/** ": worker-2 last seen 12 s ago", the last seen first; nothing when nobody is known to be missing. */
export function absentText(
  lastSeen: LastSeen,
  live: readonly LiveMember[],
  numMissing: number,
  nowMs: number,
): string {
  const here = new Set(live.map(({ memberId }) => workerOf(memberId)));
  const absent = new Map<string, number>();
  for (const [memberId, seenMs] of lastSeen) {
    const worker = workerOf(memberId);
    if (!here.has(worker)) absent.set(worker, Math.max(seenMs, absent.get(worker) ?? -Infinity));
  }
  const named = [...absent]
    .sort(([, a], [, b]) => b - a)
    .slice(0, Math.max(0, numMissing))
    .map(([worker, seenMs]) => `${worker} last seen ${durationText(nowMs - seenMs)} ago`);
  return named.length === 0 ? '' : `: ${named.join(', ')}`;
}
