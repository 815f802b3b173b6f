import { BerthError } from '@berth/contracts';
import type { Context } from 'hono';
import type { EventFeed } from '../events/event-feed.ts';
import type { EventHub } from '../events/event-hub.ts';
import { clientOf, thisMachine } from './client-of.ts';

export interface EventStreamOptions {
  readonly hub: EventHub;
  readonly feed: Pick<EventFeed, 'enter'>;
  /** Readers at a time. @defaultValue 512 */
  readonly maxReaders?: number;
  /** Of one address at a time. @defaultValue 16 */
  readonly maxReadersOfClient?: number;
  /** Of all programs on this machine. @defaultValue 64 */
  readonly maxReadersHere?: number;
  /** Between two signs of life. @defaultValue 2_000 */
  readonly heartbeatMs?: number;
  /** A reader that takes nothing for this long is cut off. @defaultValue 60_000 */
  readonly stallMs?: number;
}

/** What a reader asks for. */
export interface EventRequest {
  readonly runId: string | undefined;
  readonly lastEventId: string | undefined;
}

const reconnectMs = 1_000;
const defaults = {
  maxReaders: 512,
  maxReadersOfClient: 16,
  maxReadersHere: 64,
  heartbeatMs: 2_000,
  stallMs: 60_000,
};

/** Server-sent events, each reader at its own pace: the next is made only when the one before is taken. */
export class EventStreams {
  readonly #options: Required<EventStreamOptions>;
  #numReaders = 0;
  readonly #numReadersOf = new Map<string, number>();

  constructor(options: EventStreamOptions) {
    this.#options = { ...defaults, ...options };
  }

  /** @throws BerthError `COORDINATOR_BUSY` when there are too many readers */
  open(context: Context, { runId, lastEventId }: EventRequest): Response {
    const { hub, feed, heartbeatMs, stallMs } = this.#options;
    const client = clientOf(context);
    this.#refuseTooMany(client, context);
    const { topic, leave } = feed.enter(runId);
    this.#count(client, 1);
    const ended = new AbortController();
    let stall: NodeJS.Timeout | undefined;
    const end = (): void => {
      if (ended.signal.aborted) return;
      ended.abort();
      clearTimeout(stall);
      this.#count(client, -1);
      leave();
    };
    let place = hub.open(topic, lastEventId);
    let first = `retry: ${reconnectMs}\n${place < 0 ? '\n' : hub.idOnly(place)}`;
    const encoder = new TextEncoder();
    const events = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          clearTimeout(stall);
          let text = first;
          first = '';
          if (text === '') {
            await hub.wait(topic, place, heartbeatMs, ended.signal);
            if (ended.signal.aborted) return;
            ({ text, seq: place } = hub.read(topic, place));
          }
          controller.enqueue(encoder.encode(text === '' ? ': alive\n\n' : text));
          stall = setTimeout(() => {
            end();
            cutOff(context);
          }, stallMs);
        },
        cancel: end,
      },
      { highWaterMark: 0 },
    );
    return context.body(events, 200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
  }

  #refuseTooMany(client: string, context: Context): void {
    const { maxReaders, maxReadersOfClient, maxReadersHere } = this.#options;
    const maxOfClient = client === thisMachine ? maxReadersHere : maxReadersOfClient;
    const isFull = this.#numReaders >= maxReaders;
    if (!isFull && (this.#numReadersOf.get(client) ?? 0) < maxOfClient) return;
    context.header('Retry-After', '5');
    throw new BerthError(
      'COORDINATOR_BUSY',
      isFull
        ? `${maxReaders} clients read events already; try again later, or ask another coordinator`
        : `${maxOfClient} pages or programs of ${client} read events already; close some`,
    );
  }

  #count(client: string, change: 1 | -1): void {
    this.#numReaders += change;
    const numOfClient = (this.#numReadersOf.get(client) ?? 0) + change;
    if (numOfClient === 0) this.#numReadersOf.delete(client);
    else this.#numReadersOf.set(client, numOfClient);
  }
}

function cutOff(context: Context): void {
  const { outgoing } = context.env as { outgoing?: { destroy: () => void } };
  outgoing?.destroy();
}
