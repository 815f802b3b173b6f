import { isOnLine, type Attempts } from '@berth/checkpoint';
import type { Cursor, LedgerEntry, RunRecord } from '@berth/contracts';
import type { FiledBranch } from '../index.ts';
import { isNewerRecord } from '../lifecycle/is-newer-record.ts';
import type { Weights } from './toy-model.ts';

/** Of one attempt, under one fencing epoch. */
export interface SimLine {
  readonly attempt: number;
  readonly fencingEpoch: number;
}

export interface SimManifest extends SimLine {
  readonly key: string;
  readonly step: number;
  readonly cursor: Cursor;
  readonly shardKeys: readonly string[];
  readonly entries: readonly LedgerEntry[];
}

export const numShards = 4;

/** The bucket: shards under names that tell their line and content, and manifests that name shards. */
export class StoreModel {
  isAway = false;
  /** Copy of the run's record, for when Redis has lost it. */
  archived: RunRecord | undefined;
  /** Branches whose entries are filed, by the attempt that left them. */
  readonly branches = new Map<number, FiledBranch>();
  /** Grows with each change. */
  revision = 0;
  readonly #shards = new Map<string, Weights>();
  readonly #manifests = new Map<string, SimManifest>();

  /** Keeps a copy of the record unless there is a newer one. */
  archive(record: RunRecord): void {
    if (this.archived === undefined || isNewerRecord(record, this.archived)) this.archived = record;
  }

  putShard(key: string, weights: Weights): void {
    this.#shards.set(key, weights);
    this.revision++;
  }

  /** Only if there is none: the first writer of a key wins. */
  putManifest(manifest: SimManifest): void {
    if (!this.#manifests.has(manifest.key)) this.#manifests.set(manifest.key, manifest);
    this.revision++;
  }

  deleteManifest(key: string): void {
    this.#manifests.delete(key);
    this.revision++;
  }

  deleteShard(key: string): void {
    this.#shards.delete(key);
    this.revision++;
  }

  /** The checkpoints that a run with these attempts can go on from, oldest first. */
  onLine(attempts: Attempts): SimManifest[] {
    return [...this.#manifests.values()]
      .filter((manifest) => isOnLine(attempts, manifest))
      .sort((a, b) => a.step - b.step || a.attempt - b.attempt || a.fencingEpoch - b.fencingEpoch);
  }

  /** The newest of those of which every part is there. */
  newestValid(attempts: Attempts, maxStep = Infinity): SimManifest | undefined {
    return this.onLine(attempts).findLast(
      (manifest) => manifest.step <= maxStep && this.load(manifest) !== undefined,
    );
  }

  /** The weights of a checkpoint; undefined when a shard is missing or they do not fit together. */
  load({ shardKeys }: SimManifest): Weights | undefined {
    const parts = shardKeys.map((key) => this.#shards.get(key));
    const [first] = parts;
    return parts.every((part) => part === first) ? first : undefined;
  }

  /** Shards that were stored for one of these manifests, and that none names. */
  unnamedShards(manifestKeys: ReadonlySet<string>): string[] {
    const named = new Set([...this.#manifests.values()].flatMap(({ shardKeys }) => shardKeys));
    return [...this.#shards.keys()].filter(
      (key) => !named.has(key) && manifestKeys.has(key.slice(0, key.lastIndexOf('/'))),
    );
  }

  get manifests(): readonly SimManifest[] {
    return [...this.#manifests.values()];
  }
}

export function manifestKey({ attempt, fencingEpoch }: SimLine, step: number): string {
  return `attempt-${attempt}/step-${step}/${fencingEpoch}`;
}

export function shardKey(manifest: string, index: number, weights: Weights): string {
  return `${manifest}/shard-${index}-${weights}`;
}
