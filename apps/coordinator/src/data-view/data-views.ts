import {
  BerthError,
  exampleSetsOf,
  type DataView,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import { inspectDataset, inspectLabelled, isLabelled, readAnyDataset } from '@berth/data';

/** How much of a dataset is looked at. */
export interface LookSize {
  readonly numShards: number;
  /** Of each of these shards. */
  readonly maxBytes: number;
  readonly numExamples: number;
}

/** Little enough that a coordinator may do it beside its work. */
const pageLook: LookSize = { numShards: 8, maxBytes: 2 ** 19, numExamples: 12 };
/** Views that are kept: data never changes under its name. */
const numKept = 8;

/**
 * A look at the data of a run.
 * @throws BerthError `RUN_STATE_CONFLICT` while that is not prepared; `DATA_SHARD_CORRUPT`, and what the store throws
 */
export async function viewData(
  store: ObjectStore,
  record: RunRecord,
  look: LookSize,
): Promise<DataView> {
  const { runId, manifestKey, config, exampleFormat } = record;
  const [exampleSetId] = exampleSetsOf(record);
  if (manifestKey === null || exampleSetId === undefined)
    throw new BerthError(
      'RUN_STATE_CONFLICT',
      `The data of run "${runId}" is not prepared yet: ${record.reason}`,
      { details: { runId } },
    );
  const manifest = await readAnyDataset(store, manifestKey);
  if (isLabelled(manifest)) return inspectLabelled(store, manifest, look);
  const { seed, examples } = config;
  const set = { exampleSetId, exampleFormat, manifestKey, seed, examples };
  return inspectDataset({ store, manifest, set, ...look });
}

/** Looks at data for a page, one at a time, and keeps what was seen last. */
export class DataViews {
  readonly #store: ObjectStore;
  readonly #views = new Map<string, Promise<DataView>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** @throws BerthError as `viewData` */
  async of(record: RunRecord): Promise<DataView> {
    const key = `${record.manifestKey} ${exampleSetsOf(record)[0]}`;
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const before = this.#last;
    const view = before.catch(() => undefined).then(() => viewData(this.#store, record, pageLook));
    this.#last = view;
    this.#views.set(key, view);
    for (const oldest of this.#views.keys()) {
      if (this.#views.size <= numKept) break;
      this.#views.delete(oldest);
    }
    view.catch(() => this.#views.delete(key));
    return view;
  }
}
