import type { Logger } from '@berth/contracts';

/** Below the time that compose and other supervisors give before they kill. */
const orderlyMs = 50_000;
/** Whoever started us is gone, and likely all that it started with us. */
const orphanedMs = 10_000;
/** A terminal signals all of its processes, and npm and batch scripts pass a signal on: these are one order. */
const sameOrderMs = 500;
/** Of the grace period, for what is done once nothing is waited for any more. */
const lastMs = 3_000;

/** What follows when a process does not end in time. */
export interface StopLimits {
  /** From the first order until it is gone. @defaultValue 50 s */
  readonly graceMs: number;
  /** Of a process that was not done by then. @defaultValue 1 */
  readonly lateExitCode: number;
}

interface StoppingPorts {
  readonly logger: Logger;
  /** Ends the process. */
  readonly exit: (exitCode: number) => void;
}

/**
 * The order to end, by whatever gives it: first in order, then, shortly before the grace period ends or when ordered again, at
 * once. What is not done by the end of the grace period, such as leaving a Redis that is gone, ends with the process.
 */
export class Stopping {
  readonly #ports: StoppingPorts;
  readonly #inOrder = new AbortController();
  readonly #atOnce = new AbortController();
  #limits: StopLimits = { graceMs: orderlyMs, lateExitCode: 1 };
  #reason: string | undefined;
  /** When it was first ordered. */
  #orderedMs: number | undefined;
  #deadlineMs = Infinity;
  #timers: NodeJS.Timeout[] = [];

  constructor(ports: StoppingPorts) {
    this.#ports = ports;
  }

  /** Aborts when the process is to end, in order. */
  get signal(): AbortSignal {
    return this.#inOrder.signal;
  }

  /** Aborts when nothing may be waited for any more. */
  get atOnce(): AbortSignal {
    return this.#atOnce.signal;
  }

  /** Why the process ends; undefined before. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Of orders to come. */
  limit(limits: Partial<StopLimits>): void {
    this.#limits = { ...this.#limits, ...limits };
  }

  /** A person or a supervisor orders it: the second time at once. */
  order(reason: string): void {
    const nowMs = performance.now();
    this.#orderedMs ??= nowMs;
    if (nowMs - this.#orderedMs > sameOrderMs) this.#hurry(`${reason} again`);
    this.stop(reason);
  }

  /** The process is to be gone within a time; another call can only make that sooner. @param withinMs - the grace period when left out */
  stop(reason: string, withinMs = this.#limits.graceMs): void {
    this.#reason ??= reason;
    this.#inOrder.abort();
    const deadlineMs = performance.now() + withinMs;
    if (deadlineMs >= this.#deadlineMs) return;
    this.#deadlineMs = deadlineMs;
    for (const timer of this.#timers) clearTimeout(timer);
    const hurry = (): void => this.#hurry(`${(withinMs / 1_000).toFixed(0)} s are nearly over`);
    const end = (): void => {
      this.#ports.logger.error(`Did not stop within ${withinMs / 1_000} s`);
      this.#ports.exit(this.#limits.lateExitCode);
    };
    this.#timers = [
      setTimeout(hurry, Math.max(withinMs / 2, withinMs - lastMs)).unref(),
      setTimeout(end, withinMs).unref(),
    ];
  }

  #hurry(why: string): void {
    if (this.#atOnce.signal.aborted) return;
    this.#ports.logger.warn('Ends at once', { why });
    this.#atOnce.abort();
    setTimeout(() => this.#ports.exit(this.#limits.lateExitCode), lastMs).unref();
  }
}

/** Has SIGINT, SIGTERM and the end of the process that started this one stop it. */
export function stopOnSignals(logger: Logger): Stopping {
  const stopping = new Stopping({ logger, exit: (exitCode) => process.exit(exitCode) });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => stopping.order(signal));
  process.once('disconnect', () => stopping.stop('whoever started it is gone', orphanedMs));
  return stopping;
}
