import type { Cursor, View, WireError } from '@berth/contracts';
import { areEqual, stateDiverged } from '../member/divergence.ts';
import { retain } from './retain.ts';
import type { SimProcess } from './sim-process.ts';
import { numShards, shardKey } from './store-model.ts';
import type { Weights } from './toy-model.ts';
import { simError, type World } from './world.ts';

interface Snapshot {
  readonly view: View;
  /** The run's attempt that it is of. */
  readonly attempt: number;
  readonly step: number;
  readonly cursor: Cursor;
  readonly weights: Weights;
}

/** Of the leader with the others' parts, as in save-snapshot.ts. */
const patienceMs = 5_000;
const pollMs = 50;

/** A member's part in checkpoints, as `checkpoint-saver.ts` plays it: shards by all, the manifest last, by the leader. */
export class Saver {
  readonly #world: World;
  readonly #process: SimProcess;
  #waiting: Snapshot | undefined;
  #current: Snapshot | undefined;
  #failure: WireError | undefined;
  #onSettled: (() => void) | undefined;

  readonly #onDiverged: (view: View, error: WireError) => void;

  constructor(
    world: World,
    process: SimProcess,
    onDiverged: (view: View, error: WireError) => void,
  ) {
    this.#onDiverged = onDiverged;
    this.#world = world;
    this.#process = process;
  }

  save(snapshot: Snapshot): void {
    this.#waiting = snapshot;
    if (this.#current === undefined) this.#startNext();
  }

  settled(done: () => void, failed: (error: WireError) => void): void {
    this.#onSettled = () => (this.#failure === undefined ? done() : failed(this.#failure));
    if (this.#current === undefined) this.#startNext();
  }

  #startNext(): void {
    const snapshot = this.#waiting;
    this.#current = snapshot;
    this.#waiting = undefined;
    if (snapshot === undefined) {
      const settled = this.#onSettled;
      this.#onSettled = undefined;
      settled?.();
      return;
    }
    this.#failure = undefined;
    const members = snapshot.view.members.map(({ memberId }) => memberId);
    const position = members.indexOf(this.#process.name);
    const isLeader = position === 0;
    if (isLeader && this.#world.sabotage === 'manifest-first') this.#writeManifest(snapshot, false);
    const own = shardIndexes((index) => index % members.length === position);
    this.#upload(snapshot, own, (uploaded) => {
      const keys = own.map((index) => this.#shardKey(snapshot, index));
      const value = JSON.stringify([snapshot.weights, ...(uploaded ? keys : [])]);
      this.#post(snapshot, value, () => {
        if (!uploaded) this.#end(simError('STORE_UNREACHABLE', 'the bucket is away'));
        else if (isLeader) this.#gather(snapshot, members, this.#world.clock.nowMs + patienceMs);
        else this.#end();
      });
    });
  }

  #gather(snapshot: Snapshot, members: readonly string[], deadlineMs: number): void {
    const { clock } = this.#world;
    const isSuperseded =
      this.#waiting !== undefined && this.#waiting.view.version !== snapshot.view.version;
    const isLate = clock.nowMs > deadlineMs || isSuperseded;
    const again = (): void =>
      this.#process.after(pollMs, () => this.#gather(snapshot, members, deadlineMs));
    this.#world.call(
      this.#process,
      (redis) => redis.read(keyOf(snapshot)),
      (values) => {
        if (!isLate && members.some((member) => !values.has(member))) {
          again();
          return;
        }
        const told = [...values].map(([member, value]) => {
          const [weights, ...keys] = JSON.parse(value) as [string, ...string[]];
          return { member, weights, keys };
        });
        const digests = new Map(told.map(({ member, weights }) => [member, weights]));
        if (!areEqual(digests) && this.#world.sabotage !== 'no-save-compare') {
          const error = stateDiverged(snapshot.step, 'the state to save', digests);
          this.#onDiverged(snapshot.view, error);
          this.#end(error);
          return;
        }
        if (2 * digests.size <= members.length) {
          this.#end(simError('COLLECTIVE_TIMEOUT', 'too few say which state they save'));
          return;
        }
        const stored = new Set(told.flatMap(({ keys }) => keys));
        this.#upload(
          snapshot,
          shardIndexes((index) => !stored.has(this.#shardKey(snapshot, index))),
          (uploaded) => {
            if (uploaded) this.#writeManifest(snapshot, true);
            else this.#end(simError('STORE_UNREACHABLE', 'the bucket is away'));
          },
        );
      },
      (error) => (isLate ? this.#end(error) : again()),
    );
  }

  #upload(snapshot: Snapshot, indexes: readonly number[], done: (uploaded: boolean) => void): void {
    const [index, ...others] = indexes;
    if (index === undefined) {
      done(true);
      return;
    }
    this.#world.storeCall(
      this.#process,
      (store) => store.putShard(this.#shardKey(snapshot, index), snapshot.weights),
      () => this.#upload(snapshot, others, done),
      () => done(false),
    );
  }

  #post(snapshot: Snapshot, value: string, done: () => void): void {
    this.#world.call(
      this.#process,
      (redis) => redis.post(keyOf(snapshot), this.#process.name, value),
      done,
      () => this.#process.after(200, () => this.#post(snapshot, value, done)),
    );
  }

  #writeManifest(snapshot: Snapshot, isLast: boolean): void {
    const { step, cursor, attempt } = snapshot;
    const { fencingEpoch } = snapshot.view;
    const end = (error?: WireError): void => {
      if (isLast) this.#end(error);
    };
    this.#world.call(
      this.#process,
      (redis) => ({ entries: redis.ledger.slice(0, step), now: redis.attempt }),
      ({ entries, now }) => {
        if (now !== attempt) {
          end(simError('WORKER_FENCED', `attempt ${now} has begun`));
          return;
        }
        if (entries.length < step) {
          end(simError('LEDGER_BEHIND', `the ledger ends before step ${step}`));
          return;
        }
        const shardKeys = shardIndexes(() => true).map((index) => this.#shardKey(snapshot, index));
        const key = this.#world.keyOf({ attempt, fencingEpoch }, step);
        const manifest = { key, attempt, fencingEpoch, step, cursor, shardKeys, entries };
        this.#world.storeCall(
          this.#process,
          (store) => store.putManifest(manifest),
          () => {
            this.#world.trace.note(this.#process.name, `saved step ${step}`);
            this.#world.invariants.saved(attempt, step);
            this.#note(snapshot, end);
          },
          end,
          'put',
        );
      },
      end,
    );
  }

  #note({ step, attempt }: Snapshot, end: (error?: WireError) => void): void {
    this.#world.call(
      this.#process,
      (redis) => redis.notes.addCheckpoint(step, attempt),
      () => retain(this.#world, this.#process, { attempt, step }, end),
      end,
    );
  }

  #shardKey({ attempt, view, step, weights }: Snapshot, index: number): string {
    const { fencingEpoch } = view;
    return shardKey(this.#world.keyOf({ attempt, fencingEpoch }, step), index, weights);
  }

  #end(error?: WireError): void {
    this.#failure = error;
    this.#startNext();
  }
}

function keyOf({ view, step }: Snapshot): string {
  return `checkpoint-${view.fencingEpoch}-${view.version}-${step}`;
}

function shardIndexes(accept: (index: number) => boolean): number[] {
  return Array.from({ length: numShards }, (_, index) => index).filter(accept);
}
