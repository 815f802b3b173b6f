import { ask, type ViewContext, type ViewScript } from './view-script.ts';

const firstPauseMs = 5;
const longestPauseMs = 50;

/** Asks the same again and again, until a deadline; each pause is longer than the one before. */
export class Patience {
  readonly #nowMs: () => number;
  readonly #deadlineMs: number;
  #pauseMs = firstPauseMs;

  constructor({ nowMs }: ViewContext, timeoutMs: number) {
    this.#nowMs = nowMs;
    this.#deadlineMs = nowMs() + timeoutMs;
  }

  get isOver(): boolean {
    return this.#nowMs() > this.#deadlineMs;
  }

  *pause(reason: string): ViewScript {
    const ms = this.#pauseMs;
    this.#pauseMs = Math.min(longestPauseMs, 2 * ms);
    yield* ask({ kind: 'wait', ms }, reason);
  }
}
