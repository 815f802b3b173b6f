import { errorToWire, type RunRecord } from '@berth/contracts';
import type { CleaningOptions } from './clean-examples.ts';
import { cleanStore } from './clean-store.ts';

const cleanEveryMs = 600_000;
/** Who has not been told for so long may no longer lead. */
const staleMs = 5_000;

/** Cleans the store now and then while this coordinator leads. What it has not done the next one finds again. */
export class StoreCleaning {
  readonly #options: CleaningOptions;
  #notedMs = -Infinity;
  #cleanedMs = -Infinity;
  #isWorking = false;

  constructor(options: Omit<CleaningOptions, 'mayDelete'>) {
    const mayDelete = (): boolean => performance.now() - this.#notedMs < staleMs;
    this.#options = { ...options, mayDelete };
  }

  /** Takes note of all records, and begins to clean when it is time; called again every second or so. Never throws. */
  note(records: readonly RunRecord[]): void {
    this.#notedMs = performance.now();
    if (this.#isWorking || this.#notedMs - this.#cleanedMs < cleanEveryMs) return;
    this.#cleanedMs = this.#notedMs;
    this.#isWorking = true;
    cleanStore(this.#options, records, Date.now())
      .catch((error: unknown) =>
        this.#options.logger.warn('The store is not cleaned yet', { error: errorToWire(error) }),
      )
      .finally(() => (this.#isWorking = false));
  }
}
