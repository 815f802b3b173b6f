import { setTimeout as sleep } from 'node:timers/promises';
import {
  assignShards,
  shardKey,
  stateDigestInTurns,
  uploadShards,
  type PlannedShard,
} from '@berth/checkpoint';
import {
  checkpointShardSchema,
  type CheckpointShard,
  type Cursor,
  type TrainingState,
  type View,
} from '@berth/contracts';
import { gather } from '../gather.ts';
import type { RendezvousPort } from '../ports.ts';
import { agreeOn, digestKeyOf } from './agreement.ts';
import { attemptOf } from './attempt-fence.ts';
import { completeSave, type SaveSignals } from './complete-save.ts';
import type { CheckpointSaverOptions } from './saver-options.ts';
import { spoolWhenSlow } from './spool-when-slow.ts';

/** The least time that a leader with its own part done waits for the others; it can do their parts itself. */
const minPatienceMs = 5_000;
const postTimeoutMs = 60_000;
const postAgainMs = 200;

/** A state on its way to the store. */
export interface Snapshot {
  readonly view: View;
  readonly state: TrainingState;
  readonly cursor: Cursor;
  /** For how long training stood still. */
  readonly stallMs: number;
  /** Aborts when a newer view saves. */
  readonly superseded: AbortController;
}

/** Under which members tell of their parts of a save. */
export function keyOf(view: View, step: number): string {
  return `checkpoint-${view.fencingEpoch}-${view.version}-${step}`;
}

/** The first member of a view writes its manifests. */
export function leadsSave(memberId: string, { view }: Pick<Snapshot, 'view'>): boolean {
  return view.members[0]?.memberId === memberId;
}

/**
 * Uploads a member's part of a state and, if it leads the view, writes the manifest.
 * @param onSpooled - told by the leader, should it take long, how many bytes are on disk until the bucket has them
 * @throws BerthError `STATE_DIVERGED` when a member holds another state, and what the store and Redis throw
 */
export async function saveSnapshot(
  options: CheckpointSaverOptions,
  planned: readonly PlannedShard[],
  snapshot: Snapshot,
  signals: SaveSignals,
  onSpooled: (numBytes: number) => void,
): Promise<void> {
  const { store, rendezvous, memberId, record } = options;
  const { view, state, cursor, stallMs, superseded } = snapshot;
  const { saving } = signals;
  const { step } = state;
  const line = { runId: record.runId, attempt: attemptOf(record), fencingEpoch: view.fencingEpoch };
  const key = keyOf(view, step);
  const members = view.members.map((member) => member.memberId);
  const own = assignShards(planned.length, members.indexOf(memberId), members.length);
  const ownShards = own.flatMap((index) => planned[index] ?? []);
  const startMs = performance.now();
  const uploading = uploadShards(store, line, ownShards, state, { signal: saving });
  const uploaded = uploading.catch(() => []);
  const stateDigest = await stateDigestInTurns(state);
  const agreed = { line, state, cursor, stateDigest, stallMs, startMs };
  const patience = () => ({
    timeoutMs: Math.max(minPatienceMs, performance.now() - startMs),
    signal: AbortSignal.any([superseded.signal, saving]),
  });
  const agree = (): Promise<string[]> =>
    agreeOn({ rendezvous, view, step, digest: stateDigest }, patience());
  const isLeader = leadsSave(memberId, snapshot);
  const endSpooling = isLeader ? spoolWhenSlow(options, agreed, agree, onSpooled) : undefined;
  try {
    await postAtLast(rendezvous, digestKeyOf(view, step), memberId, stateDigest, saving);
    await postAtLast(rendezvous, key, memberId, JSON.stringify(await uploaded), saving);
    await uploading;
    if (!isLeader) return;
    const [agreeing, values] = await Promise.all([
      agree(),
      gather(rendezvous, key, members, patience()).catch(() => rendezvous.read(key)),
    ]);
    // What a lost member did not upload, or uploaded of a state nobody has compared, the leader has too. So it has what a
    // member that has not heard of our attempt yet stored where others may delete it.
    const parts = agreeing
      .flatMap((member) => partsIn(values.get(member)))
      .filter((part) => part.key === shardKey(line, step, part));
    await completeSave(options, planned, agreed, parts, signals);
    await endSpooling?.();
  } catch (error) {
    // Nothing may read the state any more once this is over.
    await Promise.all([endSpooling?.(error), uploaded]);
    throw error;
  }
}

function partsIn(value = '[]'): CheckpointShard[] {
  return checkpointShardSchema.array().parse(JSON.parse(value));
}

/** Posts a value, also over a short outage of Redis. */
async function postAtLast(
  rendezvous: RendezvousPort,
  key: string,
  memberId: string,
  value: string,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + postTimeoutMs;
  for (;;)
    try {
      signal.throwIfAborted();
      return await rendezvous.post(key, memberId, value);
    } catch (error) {
      if (signal.aborted || performance.now() > deadlineMs) throw error;
      await sleep(postAgainMs);
    }
}
