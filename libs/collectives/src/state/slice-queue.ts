/** How often what a donor sends may fail to verify before it is asked no more. */
const maxSpoilt = 3;

/**
 * Which donor is asked for which slice next. Pure bookkeeping: donors take slices from one queue, so a fast one gives more; a
 * slice whose donor is lost, or that did not verify, is asked of another, or of the same one again if there is no other.
 */
export class SliceQueue {
  readonly #numSlices: number;
  readonly #waiting: number[];
  /** Slices asked for and not answered. */
  readonly #asked = new Map<string, Set<number>>();
  /** Slices of a donor that did not verify. */
  readonly #spoilt = new Map<string, Set<number>>();
  readonly #strikes = new Map<string, number>();
  #numArrived = 0;

  constructor(numSlices: number, donors: readonly string[]) {
    this.#numSlices = numSlices;
    this.#waiting = Array.from({ length: numSlices }, (_, index) => index);
    for (const donor of donors) {
      this.#asked.set(donor, new Set());
      this.#spoilt.set(donor, new Set());
    }
  }

  get isDone(): boolean {
    return this.#numArrived === this.#numSlices;
  }

  /** @returns the slice to ask this donor for; none if it is lost, or others have all that is left under way */
  take(donor: string): number | undefined {
    const asked = this.#asked.get(donor);
    const place = this.#waiting.findIndex((index) => this.#mayAsk(donor, index));
    if (asked === undefined || place < 0) return undefined;
    const [index] = this.#waiting.splice(place, 1);
    if (index !== undefined) asked.add(index);
    return index;
  }

  /** The slice is here and verified. */
  arrived(donor: string, index: number): void {
    if (this.#asked.get(donor)?.delete(index) === true) this.#numArrived += 1;
  }

  /** The slice is here and does not verify. @returns whether the donor may be asked again */
  spoilt(donor: string, index: number): boolean {
    if (this.#asked.get(donor)?.delete(index) === true) this.#waiting.unshift(index);
    this.#spoilt.get(donor)?.add(index);
    const strikes = (this.#strikes.get(donor) ?? 0) + 1;
    this.#strikes.set(donor, strikes);
    return strikes < maxSpoilt;
  }

  /** The donor gives nothing more; what it was asked for waits again. */
  lost(donor: string): void {
    this.#waiting.unshift(...(this.#asked.get(donor) ?? []));
    this.#asked.delete(donor);
  }

  #mayAsk(donor: string, index: number): boolean {
    const isSpoiltBy = (other: string): boolean => this.#spoilt.get(other)?.has(index) === true;
    return !isSpoiltBy(donor) || [...this.#asked.keys()].every(isSpoiltBy);
  }
}
