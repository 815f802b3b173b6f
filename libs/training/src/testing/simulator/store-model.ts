import type { Cursor, LedgerEntry } from '@berth/contracts';
import type { ViewId } from '@berth/queue';
import { isNewerRecord, type SimRecord } from './redis-model.ts';
import type { Weights } from './toy-model.ts';

export interface SimManifest {
  readonly step: number;
  readonly cursor: Cursor;
  readonly shardKeys: readonly string[];
  readonly entries: readonly LedgerEntry[];
}

/** What was cut off, and the view in force then. */
export interface SimBranch {
  readonly toStep: number;
  readonly madeAt: ViewId;
}

export const numShards = 4;

/** The bucket: shards under names that tell their content, and manifests that name shards. */
export class StoreModel {
  isAway = false;
  /** Copy of the run's record, for when Redis has lost it. */
  archived: SimRecord | undefined;
  /** Branches whose manifests are out of sight, by when the cut was asked for, oldest first. */
  readonly branches = new Map<number, SimBranch>();
  readonly #shards = new Map<string, Weights>();
  readonly #manifests = new Map<number, SimManifest>();

  /** Keeps a copy of the record unless there is a newer one. */
  archive(record: SimRecord): void {
    if (this.archived === undefined || isNewerRecord(record, this.archived)) this.archived = record;
  }

  putShard(step: number, index: number, weights: Weights): void {
    this.#shards.set(shardKey(step, index, weights), weights);
  }

  /** Only if there is none: the first writer wins. */
  putManifest(manifest: SimManifest): void {
    const { step } = manifest;
    if (!this.#manifests.has(step)) this.#manifests.set(step, manifest);
  }

  abandon(step: number): void {
    this.#manifests.delete(step);
  }

  manifest(step: number): SimManifest | undefined {
    return this.#manifests.get(step);
  }

  /** The newest checkpoint of which every part is there. */
  newestValid(maxStep = Infinity): SimManifest | undefined {
    return [...this.#manifests.values()]
      .filter(({ step }) => step <= maxStep)
      .sort((a, b) => b.step - a.step)
      .find((manifest) => this.load(manifest) !== undefined);
  }

  /** The weights of a checkpoint; undefined when a shard is missing or they do not fit together. */
  load({ shardKeys }: SimManifest): Weights | undefined {
    const parts = shardKeys.map((key) => this.#shards.get(key));
    const [first] = parts;
    return parts.every((part) => part === first) ? first : undefined;
  }

  /** Deletes the manifests beyond the newest few, then what only they named. */
  retain(keepLast: number): number[] {
    const steps = [...this.#manifests.keys()].sort((a, b) => b - a);
    const old = steps.slice(keepLast);
    for (const step of old) this.#manifests.delete(step);
    return old;
  }

  get manifests(): ReadonlyMap<number, SimManifest> {
    return this.#manifests;
  }
}

export function shardKey(step: number, index: number, weights: Weights): string {
  return `step-${step}/shard-${index}-${weights}`;
}
