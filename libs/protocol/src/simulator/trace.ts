import type { Clock } from './clock.ts';

const capacity = 400;

/** The last things that happened, with their reasons. */
export class Trace {
  readonly #clock: Clock;
  readonly #lines: (readonly [number, string, string])[] = [];
  #numLines = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(who: string, what: string): void {
    this.#lines[this.#numLines++ % capacity] = [this.#clock.nowMs, who, what];
  }

  /** Oldest first. */
  last(count: number): string {
    const from = Math.max(0, this.#numLines - Math.min(count, capacity));
    const lines: string[] = [];
    for (let index = from; index < this.#numLines; index++) {
      const [atMs, who, what] = this.#lines[index % capacity] ?? [0, '', ''];
      lines.push(`${atMs.toFixed(1).padStart(9)} ms  ${who.padEnd(4)} ${what}`);
    }
    return lines.join('\n');
  }
}
