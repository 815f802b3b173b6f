import { errorToWire, type MemberInfo } from '@berth/contracts';
import type { WorkerStatus } from '../telemetry/heartbeat.ts';

type Trouble = NonNullable<MemberInfo['troubles']>[number];

/** What this worker tries again and again without success, told with its heartbeat. */
export class Troubles {
  readonly #status: WorkerStatus;
  readonly #known = new Map<Trouble['doing'], Trouble>();
  readonly #timers = new Map<Trouble['doing'], NodeJS.Timeout>();

  constructor(status: WorkerStatus) {
    this.#status = status;
  }

  /** @param goodForMs - after which it is no trouble any more, if nobody has tried again. @defaultValue for ever */
  failed(doing: Trouble['doing'], error: unknown, goodForMs?: number): void {
    const numFailed = (this.#known.get(doing)?.numFailed ?? 0) + 1;
    this.#known.set(doing, { doing, numFailed, error: errorToWire(error) });
    clearTimeout(this.#timers.get(doing));
    if (goodForMs !== undefined)
      this.#timers.set(doing, setTimeout(() => this.done(doing), goodForMs).unref());
    this.#tell();
  }

  /** It was done, or nobody tries any more. */
  done(doing: Trouble['doing']): void {
    clearTimeout(this.#timers.get(doing));
    this.#timers.delete(doing);
    this.#known.delete(doing);
    this.#tell();
  }

  #tell(): void {
    this.#status.troubles = [...this.#known.values()];
  }
}
