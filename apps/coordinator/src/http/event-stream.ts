import { BerthError } from '@berth/contracts';
import type { Context } from 'hono';
import type { EventFeed } from '../events/event-feed.ts';
import type { EventHub } from '../events/event-hub.ts';

export interface EventStreamOptions {
  readonly hub: EventHub;
  readonly feed: Pick<EventFeed, 'enter'>;
  /** Readers at a time. @defaultValue 512 */
  readonly maxReaders?: number;
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

/** Server-sent events, each reader at its own pace: the next is made only when the one before is taken. */
export class EventStreams {
  readonly #options: Required<EventStreamOptions>;
  #numReaders = 0;

  constructor(options: EventStreamOptions) {
    this.#options = { maxReaders: 512, heartbeatMs: 2_000, stallMs: 60_000, ...options };
  }

  /** @throws BerthError `COORDINATOR_BUSY` when there are too many readers */
  open(context: Context, { runId, lastEventId }: EventRequest): Response {
    const { hub, feed, maxReaders, heartbeatMs, stallMs } = this.#options;
    if (this.#numReaders >= maxReaders) {
      context.header('Retry-After', '5');
      throw new BerthError(
        'COORDINATOR_BUSY',
        `${maxReaders} clients read events already; try again later, or ask another coordinator`,
      );
    }
    const { topic, leave } = feed.enter(runId);
    this.#numReaders++;
    const ended = new AbortController();
    let stall: NodeJS.Timeout | undefined;
    const end = (): void => {
      if (ended.signal.aborted) return;
      ended.abort();
      clearTimeout(stall);
      this.#numReaders--;
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
}

function cutOff(context: Context): void {
  const { outgoing } = context.env as { outgoing?: { destroy: () => void } };
  outgoing?.destroy();
}
