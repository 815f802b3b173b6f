import type { ApiEvent } from '@berth/contracts';

export interface EventHubOptions {
  /** Names this hub: ids of another one lead to `resync`. */
  readonly epoch: string;
  /** Events kept of each topic. @defaultValue 1_000 */
  readonly capacity?: number;
  /** Bytes of events kept of each topic, about. @defaultValue 4_194_304 */
  readonly capacityBytes?: number;
}

/** An event as it is sent. */
interface Entry {
  readonly seq: number;
  readonly text: string;
}

interface Topic {
  readonly entries: Entry[];
  sizeBytes: number;
  /** Events after this one are all still there. */
  completeFrom: number;
  readonly listeners: Set<() => void>;
}

/** What a reader gets next. */
export interface Delivery {
  /** Text of an event stream, '' when there is nothing new. */
  readonly text: string;
  /** Where to read on. */
  readonly seq: number;
}

/**
 * Events of the newest past by topic, for any number of readers at their own pace: a reader holds nothing but its place,
 * so a slow one costs no memory, and one that falls out of what is kept is told to read all anew.
 */
export class EventHub {
  readonly #epoch: string;
  readonly #capacity: number;
  readonly #capacityBytes: number;
  readonly #topics = new Map<string, Topic>();
  #seq = 0;

  constructor({ epoch, capacity = 1_000, capacityBytes = 4 * 2 ** 20 }: EventHubOptions) {
    this.#epoch = epoch;
    this.#capacity = capacity;
    this.#capacityBytes = capacityBytes;
  }

  /** Adds an event to topics; those that nobody has ever read are left out. */
  publish(topics: readonly string[], event: ApiEvent): void {
    const seq = ++this.#seq;
    const entry = { seq, text: this.#format(seq, event) };
    for (const name of topics) {
      const topic = this.#topics.get(name);
      if (topic === undefined) continue;
      topic.entries.push(entry);
      topic.sizeBytes += entry.text.length;
      this.#trim(topic);
      for (const wake of topic.listeners) wake();
    }
  }

  /**
   * The place that an id stands for; without one, where a new reader begins. Opens the topic.
   * @returns a place from which `read` says `resync` when the id is of another hub or no id at all
   */
  open(name: string, lastEventId: string | undefined): number {
    const topic = this.#topics.get(name) ?? this.#begin(name);
    if (lastEventId === undefined) return this.#seq;
    const [epoch, seq] = splitId(lastEventId);
    const isKnown = epoch === this.#epoch && seq <= this.#seq && seq >= topic.completeFrom;
    return isKnown ? seq : -1;
  }

  /** All that came after a place, at most about a megabyte. */
  read(name: string, after: number): Delivery {
    const topic = this.#topics.get(name);
    if (topic === undefined || after < topic.completeFrom) return this.#resync();
    const { entries } = topic;
    let index = entries.length;
    while (index > 0 && (entries[index - 1]?.seq ?? 0) > after) index--;
    let text = '';
    let seq = after;
    for (; index < entries.length && text.length < 2 ** 20; index++) {
      const entry = entries[index] as Entry;
      text += entry.text;
      seq = entry.seq;
    }
    return { text, seq };
  }

  /** An id without an event: a browser that comes back before the first one sends it. */
  idOnly(seq: number): string {
    return `id: ${this.#epoch}-${seq}\n\n`;
  }

  /** Waits until something may be new, the time is over, or the signal aborts. */
  async wait(name: string, after: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const topic = this.#topics.get(name);
    if (topic === undefined || signal.aborted || (topic.entries.at(-1)?.seq ?? 0) > after) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        topic.listeners.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      topic.listeners.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Frees a topic; who comes back to it is told to read all anew. */
  forget(name: string): void {
    const topic = this.#topics.get(name);
    this.#topics.delete(name);
    for (const wake of topic?.listeners ?? []) wake();
  }

  #begin(name: string): Topic {
    const topic = {
      entries: [],
      sizeBytes: 0,
      completeFrom: this.#seq,
      listeners: new Set<() => void>(),
    };
    this.#topics.set(name, topic);
    return topic;
  }

  #trim(topic: Topic): void {
    const { entries } = topic;
    while (
      entries.length > this.#capacity ||
      (topic.sizeBytes > this.#capacityBytes && entries.length > 1)
    ) {
      const gone = entries.shift() as Entry;
      topic.sizeBytes -= gone.text.length;
      topic.completeFrom = gone.seq;
    }
  }

  #resync(): Delivery {
    const seq = this.#seq;
    return {
      text: this.#format(seq, { type: 'resync', reason: 'what came since is no longer kept' }),
      seq,
    };
  }

  #format(seq: number, event: ApiEvent): string {
    return `id: ${this.#epoch}-${seq}\ndata: ${JSON.stringify(event)}\n\n`;
  }
}

function splitId(id: string): [string, number] {
  const match = /^([\w-]{1,40})-(\d{1,15})$/.exec(id);
  return match === null ? ['', Infinity] : [match[1] ?? '', Number(match[2])];
}
