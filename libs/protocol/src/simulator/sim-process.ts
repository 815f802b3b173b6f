import type { Clock } from './clock.ts';

/** A process of the simulation: it can be killed, or stopped and continued as by SIGSTOP and SIGCONT. */
export class SimProcess {
  readonly name: string;
  isAlive = true;
  isPaused = false;
  readonly #clock: Clock;
  #backlog: (() => void)[] = [];

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#clock = clock;
  }

  /** Runs something in this process after a while; a stopped process does it when it is continued. */
  after(delayMs: number, run: () => void): void {
    this.#clock.after(delayMs, () => this.#deliver(run));
  }

  kill(): void {
    this.isAlive = false;
    this.#backlog = [];
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const run of backlog) this.#deliver(run);
  }

  #deliver(run: () => void): void {
    if (!this.isAlive) return;
    if (this.isPaused) this.#backlog.push(run);
    else run();
  }
}
