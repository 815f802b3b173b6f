import { isDamage, runRecordKey, runRecordsPrefix } from '@berth/checkpoint';
import {
  BerthError,
  canonicalJson,
  errorToWire,
  orAborted,
  readJson,
  runRecordSchema,
  type Logger,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import { isNewerRecord } from '@berth/protocol';
import type { Runs } from '@berth/queue';

const keepPatienceMs = 5_000;

/**
 * Copies of all run records, here and in the bucket, from which Redis gets them back should it lose its data. A bucket
 * and prefix therefore belong to one Redis.
 */
export class RunRecordArchive {
  readonly #store: ObjectStore;
  readonly #logger: Logger;
  readonly #known = new Map<string, RunRecord>();
  /** What the bucket holds of each run. */
  readonly #stored = new Map<string, string>();
  #storing: Promise<void> | undefined;

  constructor(store: ObjectStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /** Takes note of records and begins to store those that changed; what fails is tried again at the next call. */
  note(records: readonly RunRecord[]): void {
    for (const record of records) this.#learn(record);
    // Forgotten later than it is set, also where there is nothing to store.
    this.#storing ??= this.#storeChanged().finally(() => {
      this.#storing = undefined;
    });
  }

  /**
   * Stores a record before Redis has it, so that a Redis that comes back older does not undo it. Whoever leads has no time to
   * wait for a bucket that is away: it decides anew at its next look.
   * @throws BerthError `STORE_UNREACHABLE` when that takes long, and what the store throws
   */
  async keep(record: RunRecord, patienceMs = keepPatienceMs): Promise<void> {
    this.#learn(record);
    const late = AbortSignal.timeout(patienceMs);
    const stored = async (): Promise<void> => {
      await this.#storing;
      late.throwIfAborted();
      await this.#put(record, late);
    };
    await orAborted(stored(), late).catch((error: unknown) => {
      if (!late.aborted) throw error;
      throw new BerthError(
        'STORE_UNREACHABLE',
        `The record of run "${record.runId}" was not stored within ${patienceMs} ms`,
        { cause: error },
      );
    });
  }

  /**
   * Gives Redis the records that it lacks.
   * @param options.isOlder - Redis may hold older records than ours, which then are put back too
   * @throws what Redis or, if it has no run at all or may be older, the store throws
   */
  async restore(
    runs: Runs,
    { isOlder = false }: { readonly isOlder?: boolean } = {},
  ): Promise<void> {
    const { records, unreadable } = await runs.survey();
    const present = new Map(records.map((record) => [record.runId, record]));
    const left = new Set(unreadable.map(({ runId }) => runId));
    for (const fields of unreadable)
      this.#logger.warn('Ignored a run whose record cannot be read', { ...fields });
    if (isOlder || (present.size + left.size === 0 && this.#known.size === 0)) await this.#load();
    for (const record of this.#known.values()) {
      const { runId } = record;
      if (left.has(runId)) continue;
      const held = present.get(runId);
      if (held === undefined && (await this.#isRemoved(runId))) {
        this.#known.delete(runId);
        this.#stored.delete(runId);
        continue;
      }
      if (held === undefined) await runs.create(record);
      else if (isOlder && isNewerRecord(record, held))
        await runs.change(runId, (now) => (isNewerRecord(record, now) ? record : undefined));
      else continue;
      this.#logger.warn('Restored a run that Redis had lost', { runId, status: record.status });
    }
  }

  async #load(): Promise<void> {
    for (const { key } of await this.#store.list(runRecordsPrefix)) {
      const text = await this.#textOf(key);
      const reading = readJson(runRecordSchema, text);
      const problem = reading.ok
        ? runRecordKey(reading.value.runId) === key
          ? undefined
          : `it is of run ${reading.value.runId}`
        : reading.problem;
      if (reading.ok && problem === undefined) {
        this.#learn(reading.value);
        this.#stored.set(reading.value.runId, contentOf(reading.value));
      } else this.#logger.warn('Ignored a run record that cannot be read', { key, problem });
    }
  }

  /** Empty when it is damaged or has gone. */
  async #textOf(key: string): Promise<string> {
    try {
      return Buffer.from(await this.#store.get(key)).toString();
    } catch (error) {
      if (isDamage(error)) return '';
      throw error;
    }
  }

  #learn(record: RunRecord): void {
    const known = this.#known.get(record.runId);
    if (known === undefined || isNewerRecord(record, known)) this.#known.set(record.runId, record);
  }

  /** Whether somebody has deleted the copy that there was; while the store is away it is thought to be there. */
  async #isRemoved(runId: string): Promise<boolean> {
    if (!this.#stored.has(runId)) return false;
    try {
      return (await this.#store.head(runRecordKey(runId))) === undefined;
    } catch {
      return false;
    }
  }

  async #put(record: RunRecord, signal?: AbortSignal): Promise<void> {
    const body = Buffer.from(JSON.stringify(record));
    await this.#store.put(runRecordKey(record.runId), body, signal && { signal });
    this.#stored.set(record.runId, contentOf(record));
  }

  async #storeChanged(): Promise<void> {
    try {
      for (const record of this.#known.values()) {
        // Who removes a run stores that itself, and deletes it last.
        const isStored = this.#stored.get(record.runId) === contentOf(record);
        if (!record.requests.remove && !isStored) await this.#put(record);
      }
    } catch (error) {
      this.#logger.warn('A run record is not stored yet', { error: errorToWire(error) });
    }
  }
}

/** A record without what changes all the time and is worth nothing later. */
function contentOf({ reason: _reason, updatedAtMs: _updatedAtMs, ...rest }: RunRecord): string {
  return canonicalJson(rest);
}
