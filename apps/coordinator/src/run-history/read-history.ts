import type { MetricsLine, ObjectInfo, ObjectStore } from '@berth/contracts';
import { attemptPrefix, segmentIndexOf } from './keys.ts';
import { MetricsColumns } from './metrics-columns.ts';
import { decodeSegment } from './segment.ts';

/** All metrics of one attempt of a run, in a few megabytes for a hundred thousand steps. */
export class MetricsHistory {
  readonly steps = new MetricsColumns();
  readonly evals = new MetricsColumns();

  /** @returns false when the line was there already */
  add(line: MetricsLine): boolean {
    return (line.kind === 'step' ? this.steps : this.evals).add(line);
  }
}

/** An attempt's history as the store has it, read on from where it was read last. */
export class HistoryReader {
  readonly history = new MetricsHistory();
  readonly #store: ObjectStore;
  readonly #prefix: string;
  /** Segments as they were when read. */
  readonly #read = new Map<string, ObjectInfo>();

  constructor(store: ObjectStore, runId: string, attempt: number) {
    this.#store = store;
    this.#prefix = attemptPrefix(runId, attempt);
  }

  /** Reads segments that are new or have grown, one at a time. @throws BerthError what the store throws */
  async refresh(): Promise<MetricsHistory> {
    for (const info of await this.#store.list(this.#prefix)) {
      if (segmentIndexOf(info.key) === undefined || this.#isRead(info)) continue;
      for (const line of decodeSegment(await this.#store.get(info.key))) this.history.add(line);
      this.#read.set(info.key, info);
    }
    return this.history;
  }

  #isRead({ key, sizeBytes, lastModifiedMs }: ObjectInfo): boolean {
    const known = this.#read.get(key);
    return known?.sizeBytes === sizeBytes && known.lastModifiedMs === lastModifiedMs;
  }
}

/**
 * All metrics of an attempt that are in the store; what came in the last seconds may be in Redis only, and can be
 * added to the answer.
 * @throws BerthError what the store throws
 */
export function readMetricsHistory(
  store: ObjectStore,
  runId: string,
  attempt: number,
): Promise<MetricsHistory> {
  return new HistoryReader(store, runId, attempt).refresh();
}
