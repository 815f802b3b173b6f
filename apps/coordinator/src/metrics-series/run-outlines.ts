import type { RunRecord } from '@berth/contracts';
import type { SeriesSource } from './series-cache.ts';
import { RunOutline } from './run-outline.ts';

export interface RunOutlinesOptions {
  /** After this time a store that could not be read is asked again. @defaultValue 30_000 */
  readonly retryMs?: number;
}

/** A run, and how many steps it has committed. */
export interface OutlinedRun {
  readonly run: Pick<RunRecord, 'runId' | 'createdAtMs' | 'attempts'>;
  readonly numCommitted: number;
}

interface Known {
  /** Of another run of this name, or after another resume, all is different. */
  readonly identity: string;
  readonly outline: RunOutline;
  cursor: string;
  /** False when older lines are in the store, which could not be read. */
  readonly isWhole: boolean;
  readonly begunMs: number;
}

// Few enough that parsing them takes little of the time of others on the event loop.
const linesPerRead = 200;

/** Outlines of runs: all lines are read once, then only what is new. */
export class RunOutlines {
  readonly #source: SeriesSource;
  readonly #retryMs: number;
  readonly #known = new Map<string, Known>();
  readonly #reading = new Map<string, Promise<RunOutline>>();
  /** First reads, which may be long, are one after another. */
  #firstReads: Promise<unknown> = Promise.resolve();

  constructor(source: SeriesSource, { retryMs = 30_000 }: RunOutlinesOptions = {}) {
    this.#source = source;
    this.#retryMs = retryMs;
  }

  /**
   * A run's outline with all that its log says by now. Reading goes on when the time is over, so that a later call has it.
   * @returns what is known after `patienceMs`, undefined for nothing
   * @throws BerthError `QUEUE_UNREACHABLE`
   */
  async of(outlined: OutlinedRun, patienceMs: number): Promise<RunOutline | undefined> {
    const { runId } = outlined.run;
    const identity = identityOf(outlined);
    const key = `${runId} ${identity}`;
    let reading = this.#reading.get(key);
    if (reading === undefined) {
      reading = this.#read(outlined, identity).finally(() => this.#reading.delete(key));
      reading.catch(() => undefined);
      this.#reading.set(key, reading);
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<RunOutline | undefined>((resolve) => {
      timer = setTimeout(() => {
        const known = this.#known.get(runId);
        resolve(known?.identity === identity ? known.outline : undefined);
      }, patienceMs);
    });
    try {
      return await Promise.race([reading, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(outlined: OutlinedRun, identity: string): Promise<RunOutline> {
    const { runId } = outlined.run;
    const before = this.#known.get(runId);
    const isUsable =
      before?.identity === identity &&
      (before.isWhole || performance.now() - before.begunMs < this.#retryMs);
    if (isUsable) {
      await this.#readOn(runId, before);
      return before.outline;
    }
    const first = this.#firstReads.then(async () => {
      const known = await this.#begin(outlined, identity);
      await this.#readOn(runId, known);
      this.#known.set(runId, known);
      return known.outline;
    });
    this.#firstReads = first.catch(() => undefined);
    return first;
  }

  async #begin({ run, numCommitted }: OutlinedRun, identity: string): Promise<Known> {
    const { runId, attempts } = run;
    const begun = { identity, cursor: '', begunMs: performance.now() };
    const [oldest] = (await this.#source.after(runId, '', 1)).lines;
    const outline = new RunOutline(attempts);
    // The log has all from the beginning: no need to ask the store, which may be away.
    if (numCommitted === 0 || (oldest?.attempt === 1 && oldest.step === 0))
      return { ...begun, outline, isWhole: true };
    try {
      for await (const lines of this.#source.archived(runId))
        for (const line of lines) outline.put(line);
      return { ...begun, outline, isWhole: true };
    } catch {
      // The store is away, which others tell of; half an outline would be wrong for longer than none.
      return { ...begun, outline: new RunOutline(attempts), isWhole: false };
    }
  }

  async #readOn(runId: string, known: Known): Promise<void> {
    for (;;) {
      const { lines, cursor } = await this.#source.after(runId, known.cursor, linesPerRead);
      for (const line of lines) known.outline.put(line);
      known.cursor = cursor;
      if (lines.length < linesPerRead) return;
    }
  }
}

function identityOf({ run: { createdAtMs, attempts } }: OutlinedRun): string {
  const branches = attempts.map(
    ({ attempt, abandonedFromStep }) => `${attempt}/${abandonedFromStep}`,
  );
  return `${createdAtMs} ${branches.join(' ')}`;
}
