import { BerthError } from '@berth/contracts';
import type { CallUnderWay } from './thread-rpc.ts';

/** What is watched: a thread's calls, one under way at a time. */
export interface Watched {
  /** For the error, as "The runtime thread". */
  readonly name: string;
  underWay(): CallUnderWay | undefined;
  /**
   * How long a call may take.
   * @param measuredMs - how long calls of this kind have taken lately, per unit of work; undefined before the first
   */
  limitMs(call: CallUnderWay, measuredMs: number | undefined): number;
  /** Its units of work, to which the time it takes is proportional. */
  sizeOf(call: CallUnderWay): number;
}

/** Weight of the newest call in the moving average. */
const weight = 0.3;

/**
 * Notices a call that is not answered, such as one of a device that hangs. Time counts in ticks of the main thread's timer:
 * while the process is stopped, or its machine asleep, or so busy that nothing runs, hardly any pass.
 */
export class Watchdog {
  readonly tickMs: number;
  readonly #watched: Watched;
  /** By method. */
  readonly #measuredMs = new Map<string, number>();
  #current: { readonly call: CallUnderWay; readonly ranMs: number } | undefined;

  constructor(watched: Watched, tickMs = 1_000) {
    this.#watched = watched;
    this.tickMs = tickMs;
  }

  /** To be called once every `tickMs`. @returns what to end with, once a call has taken longer than its limit */
  tick(): BerthError | undefined {
    const before = this.#current;
    const call = this.#watched.underWay();
    if (before !== undefined && before.call.id !== call?.id) this.#measure(before);
    if (call === undefined) {
      this.#current = undefined;
      return undefined;
    }
    const ranMs = before?.call.id === call.id ? before.ranMs + this.tickMs : 0;
    this.#current = { call, ranMs };
    const measuredMs = this.#measuredMs.get(call.method);
    const limitMs = this.#watched.limitMs(call, measuredMs);
    if (ranMs <= limitMs) return undefined;
    const usual =
      measuredMs === undefined ? '' : `, and took about ${Math.round(measuredMs)} ms before`;
    return new BerthError(
      'WORKER_LOST',
      `${this.#watched.name} hangs: ${call.method} has no answer after ${ranMs / 1_000} s; ` +
        `it may take ${limitMs / 1_000} s${usual}`,
      { details: { method: call.method, ranMs, limitMs } },
    );
  }

  #measure({ call, ranMs }: { readonly call: CallUnderWay; readonly ranMs: number }): void {
    const newest = ranMs / this.#watched.sizeOf(call);
    const before = this.#measuredMs.get(call.method);
    const average = before === undefined ? newest : before + weight * (newest - before);
    this.#measuredMs.set(call.method, average);
  }
}

/** Looks as long as the process lives. @param onHang - told once */
export function keepWatch(watchdog: Watchdog, onHang: (error: BerthError) => void): void {
  const timer = setInterval(() => {
    const error = watchdog.tick();
    if (error === undefined) return;
    clearInterval(timer);
    onHang(error);
  }, watchdog.tickMs);
  timer.unref();
}
