import type { ApiEvent } from '@berth/contracts';
import { SseParser } from './sse-parser.ts';

/** The server sends a comment after 2 s without an event; a stream silent for longer than two of them is dead. */
export const silenceLimitMs = 5_000;
const firstDelayMs = 500;
const longestDelayMs = 5_000;

/** `refused`: the server is there and asks for another token. */
export type StreamState = 'connecting' | 'live' | 'waiting' | 'refused';

export interface EventStreamOptions {
  /** Path and query of the stream. */
  readonly path: string;
  /** What the server asks for. */
  readonly token: string | null;
  readonly onEvent: (event: ApiEvent) => void;
  readonly onState: (state: StreamState) => void;
  /** Called at every sign of life. */
  readonly onHeard: () => void;
  /** Called when a stream opens that cannot continue the one before: read everything anew. */
  readonly onResync: () => void;
  /** @defaultValue `silenceLimitMs` */
  readonly silenceMs?: number;
}

/** Time to wait before connection attempt `failures` + 1: doubles up to 5 s, with a random quarter off. */
export function retryDelayMs(failures: number, random = Math.random()): number {
  const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.max(0, failures - 1));
  return delay * (1 - random / 4);
}

/**
 * Follows the server's events until closed: comes back after errors and silence, and continues after the last event seen.
 * @returns closes the stream
 */
export function followEvents(options: EventStreamOptions): () => void {
  const closing = new AbortController();
  void follow(options, closing.signal);
  return () => closing.abort();
}

async function follow(options: EventStreamOptions, closing: AbortSignal): Promise<void> {
  let lastId: string | undefined;
  let failures = 0;
  let hasFailed = false;
  let isRefused = false;
  while (!closing.aborted) {
    // Asked again it stays refused until it is let in.
    if (!isRefused) options.onState('connecting');
    isRefused = false;
    try {
      await readStream(options, lastId, closing, {
        onOpen: () => {
          failures = 0;
          options.onState('live');
          if (hasFailed && lastId === undefined) options.onResync();
        },
        onId: (id) => (lastId = id),
        onRefused: () => (isRefused = true),
      });
    } catch {
      // Whatever broke it, the answer is the same: connect again.
    }
    if (closing.aborted) return;
    failures++;
    hasFailed = true;
    options.onState(isRefused ? 'refused' : 'waiting');
    await sleep(retryDelayMs(failures), closing);
  }
}

interface StreamHooks {
  readonly onOpen: () => void;
  readonly onId: (id: string) => void;
  readonly onRefused: () => void;
}

async function readStream(
  { path, token, onEvent, onHeard, onResync, silenceMs = silenceLimitMs }: EventStreamOptions,
  lastId: string | undefined,
  closing: AbortSignal,
  hooks: StreamHooks,
): Promise<void> {
  const silence = new AbortController();
  let watchdog = setTimeout(() => silence.abort(), silenceMs);
  try {
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (token !== null) headers['authorization'] = `Bearer ${token}`;
    if (lastId !== undefined) headers['last-event-id'] = lastId;
    const signal = AbortSignal.any([closing, silence.signal]);
    const response = await fetch(path, { headers, signal, cache: 'no-store' });
    if (response.status === 401) hooks.onRefused();
    if (!response.ok || response.body === null) return;
    onHeard();
    hooks.onOpen();
    const parser = new SseParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(() => silence.abort(), silenceMs);
      onHeard();
      for (const message of parser.push(value)) {
        if (message.id !== undefined) hooks.onId(message.id);
        if (message.data === '') continue;
        const event = JSON.parse(message.data) as ApiEvent;
        if (event.type === 'resync') onResync();
        else onEvent(event);
      }
    }
  } finally {
    clearTimeout(watchdog);
  }
}

function sleep(ms: number, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    closing.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
