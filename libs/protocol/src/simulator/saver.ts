import type { Cursor, View, WireError } from '@berth/contracts';
import { areEqual, stateDiverged } from '../member/divergence.ts';
import { isOutage } from '../member/spooled-state.ts';
import { workerOf } from '../run/worker-name.ts';
import { retain } from './retain.ts';
import type { SimDisk } from './sim-disk.ts';
import type { SimProcess } from './sim-process.ts';
import { numShards, shardKey } from './store-model.ts';
import type { Weights } from './toy-model.ts';
import { simError, type World } from './world.ts';

export interface Snapshot {
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
/** These two are five seconds and ten in production. */
const tryAgainMs = 1_000;
const spoolAfterMs = 2_000;

type End = (error?: WireError) => void;
/** Parts of a state that are stored, by key. */
type Agreed = (stored: ReadonlySet<string>) => void;

/** A member's part in checkpoints, as `checkpoint-saver.ts` plays it: shards by all, the manifest last, by the leader. */
export class Saver {
  readonly #world: World;
  readonly #process: SimProcess;
  #waiting: Snapshot | undefined;
  #current: Snapshot | undefined;
  /** What could not be stored for an outage, until there is a newer one. */
  #kept: Snapshot | undefined;
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

  get #disk(): SimDisk {
    return this.#world.diskOf(workerOf(this.#process.name));
  }

  save(snapshot: Snapshot): void {
    this.#waiting = snapshot;
    this.#kept = undefined;
    if (this.#current === undefined) this.#startNext();
  }

  settled(done: () => void, failed: (error: WireError) => void): void {
    this.#onSettled = () => (this.#failure === undefined ? done() : failed(this.#failure));
    if (this.#current === undefined) this.#settle();
  }

  /** Gives up what is kept; what is on its way goes on, as that of a process which stands still would. */
  close(): void {
    this.#waiting = undefined;
    this.#kept = undefined;
  }

  #settle(): void {
    const settled = this.#onSettled;
    this.#onSettled = undefined;
    settled?.();
  }

  #startNext(): void {
    const snapshot = this.#waiting;
    this.#current = snapshot;
    this.#waiting = undefined;
    if (snapshot === undefined) {
      const kept = this.#kept;
      if (kept !== undefined)
        this.#process.after(tryAgainMs, () => {
          if (this.#kept === kept && this.#current === undefined) this.save(kept);
        });
      this.#settle();
      return;
    }
    this.#failure = undefined;
    const members = snapshot.view.members.map(({ memberId }) => memberId);
    const position = members.indexOf(this.#process.name);
    const isLeader = position === 0;
    if (isLeader && this.#world.sabotage === 'manifest-first')
      this.writeManifest(snapshot, () => undefined);
    if (isLeader)
      this.#process.after(spoolAfterMs, () => {
        if (this.#current === snapshot) this.#spool(snapshot, () => undefined);
      });
    const own = shardIndexes((index) => index % members.length === position);
    this.upload(snapshot, own, (uploaded) => {
      const keys = own.map((index) => this.#shardKey(snapshot, index));
      const value = JSON.stringify([snapshot.weights, ...(uploaded ? keys : [])]);
      this.#post(snapshot, value, () => {
        if (!isLeader) this.#end(uploaded ? undefined : storeIsAway);
        else if (uploaded) this.#complete(snapshot);
        else this.#fail(snapshot, storeIsAway);
      });
    });
  }

  /** Does what the others have not, and writes the manifest. */
  #complete(snapshot: Snapshot): void {
    const end: End = (error) => (error === undefined ? this.#saved() : this.#fail(snapshot, error));
    this.#agree(
      snapshot,
      (stored) => {
        const missing = shardIndexes((index) => !stored.has(this.#shardKey(snapshot, index)));
        this.upload(snapshot, missing, (uploaded) => {
          if (uploaded) this.writeManifest(snapshot, end);
          else end(storeIsAway);
        });
      },
      end,
    );
  }

  /** Whatever is on disk is older. */
  #saved(): void {
    this.#disk.clear(this.#process.name);
    this.#end();
  }

  /** Of a leader: what passes is waited for, with the state on disk. */
  #fail(snapshot: Snapshot, error: WireError): void {
    if (!isOutage(error.code)) {
      this.#end(error);
      return;
    }
    this.#spool(snapshot, () => {
      this.#kept = snapshot;
      this.#end(error);
    });
  }

  /** Keeps on disk what most members of the view have. */
  #spool(snapshot: Snapshot, then: () => void): void {
    const keep = (): void =>
      this.#world.call(
        this.#process,
        (redis) => redis.ledger[snapshot.step - 1],
        (entry) => {
          const owner = this.#process.name;
          if (entry !== undefined) {
            const state = { snapshot, owner, ledgerHead: entry.head, isTried: false };
            this.#disk.keep(state);
            this.#world.trace.note(owner, `step ${snapshot.step} waits on disk`);
          }
          then();
        },
        then,
      );
    this.#agree(snapshot, keep, then);
  }

  /** Waits for what the members say that they save. */
  #agree(
    snapshot: Snapshot,
    agreed: Agreed,
    failed: (error: WireError) => void,
    deadlineMs = this.#world.clock.nowMs + patienceMs,
  ): void {
    const { clock } = this.#world;
    const members = snapshot.view.members.map(({ memberId }) => memberId);
    const isSuperseded =
      this.#waiting !== undefined && this.#waiting.view.version !== snapshot.view.version;
    const isLate = clock.nowMs > deadlineMs || isSuperseded;
    const again = (): void =>
      this.#process.after(pollMs, () => this.#agree(snapshot, agreed, failed, deadlineMs));
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
          failed(error);
        } else if (2 * digests.size <= members.length)
          failed(simError('COLLECTIVE_TIMEOUT', 'too few say which state they save'));
        else agreed(new Set(told.flatMap(({ keys }) => keys)));
      },
      (error) => (isLate ? failed(error) : again()),
    );
  }

  upload(snapshot: Snapshot, indexes: readonly number[], done: (uploaded: boolean) => void): void {
    const [index, ...others] = indexes;
    if (index === undefined) {
      done(true);
      return;
    }
    this.#world.storeCall(
      this.#process,
      (store) => store.putShard(this.#shardKey(snapshot, index), snapshot.weights),
      () => this.upload(snapshot, others, done),
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

  writeManifest(snapshot: Snapshot, end: End): void {
    const { step, cursor, attempt } = snapshot;
    const { fencingEpoch } = snapshot.view;
    this.#world.call(
      this.#process,
      (redis) => ({ entries: redis.ledger.slice(0, step), now: redis.attempt }),
      ({ entries, now }) => {
        if (now !== attempt) {
          end(simError('WORKER_FENCED', `attempt ${now} has begun`));
          return;
        }
        if (entries.length < step && this.#world.sabotage !== 'spool-unproven') {
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

  #note({ step, attempt }: Snapshot, end: End): void {
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

const storeIsAway = simError('STORE_UNREACHABLE', 'the bucket is away');

function keyOf({ view, step }: Snapshot): string {
  return `checkpoint-${view.fencingEpoch}-${view.version}-${step}`;
}

export function shardIndexes(accept: (index: number) => boolean): number[] {
  return Array.from({ length: numShards }, (_, index) => index).filter(accept);
}
