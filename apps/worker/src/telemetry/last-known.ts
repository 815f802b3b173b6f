import { setTimeout as sleep } from 'node:timers/promises';

/** Asks, but does not wait for long: an answer that is late is given to the next who asks. */
export class LastKnown<T> {
  readonly #ask: () => Promise<T>;
  readonly #patienceMs: number;
  #value: T | undefined;
  #asking: Promise<void> | undefined;

  constructor(ask: () => Promise<T>, patienceMs: number) {
    this.#ask = ask;
    this.#patienceMs = patienceMs;
  }

  /** The newest answer there is; undefined before the first. Does not reject. */
  async get(): Promise<T | undefined> {
    this.#asking ??= this.#ask()
      .then(
        (value) => void (this.#value = value),
        () => undefined,
      )
      .finally(() => (this.#asking = undefined));
    await Promise.race([this.#asking, sleep(this.#patienceMs, undefined, { ref: false })]);
    return this.#value;
  }
}
