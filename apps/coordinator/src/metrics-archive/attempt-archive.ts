import { setImmediate } from 'node:timers/promises';
import type { Logger, MetricsLine, ObjectStore } from '@berth/contracts';
import { encodeEvents, startOfEventFile } from '@berth/observability';
import { attemptPrefix, eventsKey, segmentIndexOf, segmentKey } from './keys.ts';
import { encodeSegment, readSegment } from './segment.ts';
import { StepSet } from './step-set.ts';

/** An attempt of a run, as its record tells it. */
export interface AttemptPlace {
  readonly runId: string;
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly fromStep: number;
}

/** Lines of a full segment: some 400 KB of JSON, 600 KB of events. */
const linesPerSegment = 1_000;
/** Lines encoded before others on the event loop have their turn: a lease must be kept meanwhile. */
const linesPerTurn = 100;

/**
 * The metrics of one attempt in the store, as numbered segments of JSON lines and a TensorBoard event file beside each.
 * Objects cannot be appended to: the last segment is written anew until it is full, the others never again, so that an
 * upload is at most a megabyte however long the run. Each (kind, step) is in it once, whoever adds it how often.
 */
export class AttemptArchive {
  readonly place: AttemptPlace;
  readonly #store: ObjectStore;
  readonly #steps = new StepSet();
  readonly #evals = new StepSet();
  /** Full segments in the store. */
  #numSealed = 0;
  #tail: MetricsLine[] = [];
  #numStoredOfTail = 0;
  #firstMissing: number;

  private constructor(store: ObjectStore, place: AttemptPlace) {
    this.#store = store;
    this.place = place;
    this.#firstMissing = place.fromStep;
  }

  /** Reads what the store has of the attempt, one segment at a time. @throws BerthError what the store throws */
  static async open(
    store: ObjectStore,
    place: AttemptPlace,
    logger: Logger,
  ): Promise<AttemptArchive> {
    const archive = new AttemptArchive(store, place);
    for (const { key } of await store.list(attemptPrefix(place.runId, place.attempt))) {
      const index = segmentIndexOf(key);
      if (index === undefined) continue;
      const lines = await readSegment(store, key, logger);
      archive.#tail = lines.filter((line) => archive.#note(line));
      archive.#numStoredOfTail = archive.#tail.length;
      archive.#numSealed = index - 1;
    }
    return archive;
  }

  /** The newest step that it has; -1 when it has none. */
  get maxStep(): number {
    return this.#steps.max;
  }

  /** True when lines wait for the next `flush`. */
  get isDirty(): boolean {
    return this.#tail.length > this.#numStoredOfTail;
  }

  /** True when lines make up a segment that need not wait. */
  get isFull(): boolean {
    return this.#tail.length >= 2 * linesPerSegment;
  }

  /** The first step from the attempt's first on that it lacks. */
  get firstMissing(): number {
    while (this.#steps.has(this.#firstMissing)) this.#firstMissing++;
    return this.#firstMissing;
  }

  /** No longer looks for steps before this one: nobody has them. */
  giveUpBefore(step: number): void {
    this.#firstMissing = Math.max(this.#firstMissing, step);
  }

  /** @returns false when it has the line already */
  add(line: MetricsLine): boolean {
    const isNew = this.#note(line);
    if (isNew) this.#tail.push(line);
    return isNew;
  }

  /** Writes what the store lacks. May be repeated. @throws BerthError what the store throws */
  async flush(): Promise<void> {
    while (this.isDirty) {
      const lines = this.#tail.slice(0, linesPerSegment).sort(inOrder);
      await this.#write(this.#numSealed + 1, lines);
      if (lines.length < linesPerSegment) {
        this.#numStoredOfTail = lines.length;
        return;
      }
      // Full: from now on lines go to the next segment.
      this.#numSealed++;
      this.#tail = this.#tail.slice(linesPerSegment);
      this.#numStoredOfTail = 0;
    }
  }

  #note({ kind, step }: MetricsLine): boolean {
    return (kind === 'step' ? this.#steps : this.#evals).add(step);
  }

  async #write(index: number, lines: readonly MetricsLine[]): Promise<void> {
    const { runId, attempt, startedAtMs, fromStep } = this.place;
    const prefix = attemptPrefix(runId, attempt);
    const events: Buffer[] = [
      startOfEventFile({ startedAtMs, fromStep: index === 1 ? fromStep : undefined }),
    ];
    for (let at = 0; at < lines.length; at += linesPerTurn) {
      events.push(encodeEvents(lines.slice(at, at + linesPerTurn)));
      await setImmediate();
    }
    await this.#store.put(eventsKey(prefix, startedAtMs, index), Buffer.concat(events));
    // Last: what is in a segment is never written again, so its events must be there.
    await this.#store.put(segmentKey(prefix, index), encodeSegment(lines), {
      contentType: 'application/x-ndjson',
    });
  }
}

function inOrder(a: MetricsLine, b: MetricsLine): number {
  return a.step - b.step || (a.kind === b.kind ? 0 : a.kind === 'step' ? 1 : -1);
}
