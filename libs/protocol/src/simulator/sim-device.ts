import type { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

/** Of a call to the device: half of the step's, as the real one is at most all of it. */
const callTimeoutMs = 3_000;

/** A worker's device. Each call takes a while; while it hangs, a call is never answered, and the watchdog ends the process. */
export class SimDevice {
  readonly #world: World;
  readonly #process: SimProcess;
  /** Called by the watchdog, to end the process; set while the device hangs. */
  #onHung: (() => void) | undefined;
  #hungSinceMs: number | undefined;

  constructor(world: World, process: SimProcess) {
    this.#world = world;
    this.#process = process;
  }

  get isHung(): boolean {
    return this.#onHung !== undefined;
  }

  /** How long a call has not been answered, if there is one. */
  get unansweredMs(): number | undefined {
    return this.#hungSinceMs === undefined
      ? undefined
      : this.#world.clock.nowMs - this.#hungSinceMs;
  }

  /** The next call is never answered, though heartbeats go on. */
  hang(onHung: () => void): void {
    this.#onHung = onHung;
  }

  /** Calls the device, which does its work within so many milliseconds. */
  call(ms: number, work: () => void): void {
    const { random } = this.#world;
    this.begin(() => this.#process.after(random.between(ms / 2, ms), work));
  }

  /** Calls the device for work that takes its own time. */
  begin(work: () => void): void {
    if (this.#onHung === undefined) work();
    else this.#stayHung(this.#onHung);
  }

  #stayHung(onHung: () => void): void {
    if (this.#hungSinceMs !== undefined) return;
    this.#hungSinceMs = this.#world.clock.nowMs;
    this.#world.trace.note(this.#process.name, 'the device hangs');
    if (this.#world.sabotage === 'no-watchdog') return;
    this.#process.after(callTimeoutMs, onHung);
  }
}
