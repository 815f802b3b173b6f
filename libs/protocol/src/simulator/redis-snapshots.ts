import type { World } from './world.ts';

const snapshotEveryMs = 100;
const maxSnapshots = 60;

/** What Redis held at some time. */
interface KeptSnapshot {
  readonly atMs: number;
  readonly putBack: () => void;
}

/** What a disk or a replica has of Redis: it can come back older. */
export class RedisSnapshots {
  readonly #world: World;
  readonly #snapshots: KeptSnapshot[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Keeps snapshots from now on. */
  keepOn(): void {
    this.#keep();
    this.#world.clock.after(snapshotEveryMs, () => this.keepOn());
  }

  /** Redis holds no more than it did a while ago. */
  comeBackOlder(ageMs: number): void {
    const { clock, invariants } = this.#world;
    const isOldEnough = ({ atMs }: KeptSnapshot): boolean => atMs <= clock.nowMs - ageMs;
    const kept = this.#snapshots.findLast(isOldEnough) ?? this.#snapshots[0];
    kept?.putBack();
    this.#snapshots.length = 0;
    this.#keep();
    invariants.cameBack();
  }

  #keep(): void {
    const { clock, redis } = this.#world;
    this.#snapshots.push({ atMs: clock.nowMs, putBack: redis.snapshot() });
    if (this.#snapshots.length > maxSnapshots) this.#snapshots.shift();
  }
}
