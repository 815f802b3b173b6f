import { errorToWire, exampleSetsOf, isFinal, type RunRecord } from '@berth/contracts';
import { cleanExamples, type CleaningOptions } from './clean-examples.ts';
import { cleanStore } from './clean-store.ts';

const cleanEveryMs = 600_000;
/** Of runs that go on, or have just ended, examples are looked at more often: an epoch may take no longer. */
const expireEveryMs = 30_000;
/** Who has not been told for so long may no longer lead. */
const staleMs = 5_000;

/** Cleans the store now and then while this coordinator leads. What it has not done the next one finds again. */
export class StoreCleaning {
  readonly #options: CleaningOptions;
  #notedMs = -Infinity;
  #cleanedMs = -Infinity;
  #expiredMs = -Infinity;
  #isWorking = false;

  constructor(options: Omit<CleaningOptions, 'mayDelete' | 'epochs'>) {
    const mayDelete = (): boolean => performance.now() - this.#notedMs < staleMs;
    this.#options = { ...options, mayDelete, epochs: new Map() };
  }

  /** Takes note of all records, and begins to clean when it is time; called again every second or so. Never throws. */
  note(records: readonly RunRecord[]): void {
    this.#notedMs = performance.now();
    if (this.#isWorking || this.#notedMs - this.#expiredMs < expireEveryMs) return;
    this.#expiredMs = this.#notedMs;
    const isAll = this.#notedMs - this.#cleanedMs >= cleanEveryMs;
    if (isAll) this.#cleanedMs = this.#notedMs;
    this.#isWorking = true;
    (isAll ? cleanStore(this.#options, records, Date.now()) : this.#expire(records))
      .catch((error: unknown) =>
        this.#options.logger.warn('The store is not cleaned yet', { error: errorToWire(error) }),
      )
      .finally(() => (this.#isWorking = false));
  }

  async #expire(records: readonly RunRecord[]): Promise<void> {
    const sinceMs = Date.now() - 2 * expireEveryMs;
    const moving = records.filter(
      ({ status, updatedAtMs }) => !isFinal(status) || updatedAtMs > sinceMs,
    );
    for (const exampleSetId of new Set(moving.flatMap(exampleSetsOf)))
      await cleanExamples(this.#options, exampleSetId, records);
  }
}
