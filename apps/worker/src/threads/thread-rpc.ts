import type { MessagePort, Transferable, Worker } from 'node:worker_threads';
import { BerthError, errorFromWire, errorToWire, type WireError } from '@berth/contracts';

/** A value together with the buffers that move with it instead of being copied. */
export interface Moved<T> {
  readonly value: T;
  readonly transfer: readonly Transferable[];
}

type Handler = (...args: never[]) => unknown;
type Handlers = Readonly<Record<string, Handler>>;

interface Request {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** The caller no longer wants the answer to a request. */
interface Abort {
  readonly id: number;
  readonly aborted: WireError;
}

type Response =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: WireError };

/** What a thread says unasked. */
export interface ThreadEvent {
  readonly event: string;
  readonly args: readonly unknown[];
}

/** Answers calls that arrive on a port, one after the other. A handler may return `Moved` to transfer buffers. */
export function serveCalls(port: MessagePort, handlers: Handlers): void {
  let last: Promise<void> = Promise.resolve();
  port.on('message', (request: Request | Abort) => {
    if ('method' in request) last = last.then(() => answer(port, handlers, request));
  });
}

/** Answers calls as they come, whatever is under way. Handlers take the caller's signal before the arguments. */
export function serveCallsAtOnce(port: MessagePort, handlers: Handlers): void {
  const underWay = new Map<number, AbortController>();
  port.on('message', (request: Request | Abort) => {
    const { id } = request;
    if ('aborted' in request) return underWay.get(id)?.abort(errorFromWire(request.aborted));
    const controller = new AbortController();
    underWay.set(id, controller);
    const args = [controller.signal, ...request.args];
    void answer(port, handlers, { ...request, args }).finally(() => underWay.delete(id));
  });
}

async function answer(
  port: MessagePort,
  handlers: Handlers,
  { id, method, args }: Request,
): Promise<void> {
  try {
    const handler = handlers[method];
    if (handler === undefined) throw new BerthError('INTERNAL', `No method ${method}`);
    const result: unknown = await handler(...(args as never[]));
    if (isMoved(result)) port.postMessage({ id, ok: true, value: result.value }, result.transfer);
    else port.postMessage({ id, ok: true, value: result });
  } catch (error) {
    port.postMessage({ id, ok: false, error: errorToWire(error) });
  }
}

export function moved<T>(value: T, ...arrays: readonly ArrayBufferView[]): Moved<T> {
  return { value, transfer: arrays.map((array) => array.buffer as ArrayBuffer) };
}

function isMoved(value: unknown): value is Moved<unknown> {
  return typeof value === 'object' && value !== null && 'transfer' in value && 'value' in value;
}

/** A call that is not answered yet. */
export interface CallUnderWay {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
  /** When it was called, or the calls before it were answered. */
  readonly sinceMs: number;
}

interface Waiting extends Omit<CallUnderWay, 'sinceMs'> {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The calling side: one promise per call; all of them reject when the thread ends. */
export class ThreadCaller {
  readonly #worker: Worker;
  /** By id, the oldest first. */
  readonly #waiting = new Map<number, Waiting>();
  /** When the oldest call became the oldest. */
  #sinceMs = 0;
  #nextId = 1;
  #ended: Error | undefined;
  #rejectDeath: (error: Error) => void = () => undefined;
  /** Never resolves; rejects with `WORKER_LOST` when the thread ends. */
  readonly death: Promise<never>;

  /** @param onEvent - told what the thread says unasked */
  constructor(worker: Worker, name: string, onEvent?: (event: ThreadEvent) => void) {
    this.#worker = worker;
    this.death = new Promise((_, reject) => (this.#rejectDeath = reject));
    this.death.catch(() => undefined); // Ending it on purpose is no failure.
    worker.on('message', (message: Response | ThreadEvent) => {
      if ('event' in message) onEvent?.(message);
      else this.#settle(message);
    });
    worker.on('error', (error) =>
      this.#end(
        new BerthError('WORKER_LOST', `${name} failed: ${String(error)}`, { cause: error }),
      ),
    );
    worker.on('exit', (code) =>
      this.#end(new BerthError('WORKER_LOST', `${name} ended with code ${code}`)),
    );
  }

  call<T>(
    method: string,
    args: readonly unknown[],
    transfer: readonly Transferable[] = [],
  ): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      const waiting = { id, method, args, resolve: resolve as (value: unknown) => void, reject };
      if (this.#waiting.size === 0) this.#sinceMs = performance.now();
      this.#waiting.set(id, waiting);
      this.#worker.postMessage({ id, method, args }, transfer);
    });
  }

  /** A call to a thread that serves calls at once, which hears of the signal. */
  async callUntil<T>(
    signal: AbortSignal | undefined,
    method: string,
    args: readonly unknown[],
  ): Promise<T> {
    const id = this.#nextId;
    const called = this.call<T>(method, args);
    const abort = (): void =>
      this.#worker.postMessage({ id, aborted: errorToWire(signal?.reason) } satisfies Abort, []);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    try {
      return await called;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** The oldest call without an answer: the one that a thread is at which answers one after the other. */
  get underWay(): CallUnderWay | undefined {
    const { value: oldest } = this.#waiting.values().next();
    return oldest && { ...oldest, sinceMs: this.#sinceMs };
  }

  /** Waits for this thread no longer: all calls reject, as when it has ended. */
  giveUp(error: BerthError): void {
    this.#end(error);
  }

  #settle(response: Response): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    this.#sinceMs = performance.now();
    if (response.ok) waiting?.resolve(response.value);
    else waiting?.reject(errorFromWire(response.error));
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#rejectDeath(this.#ended);
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }
}
