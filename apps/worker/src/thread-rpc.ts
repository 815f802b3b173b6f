import type { MessagePort, Transferable, Worker } from 'node:worker_threads';
import { BerthError, errorFromWire, errorToWire, type WireError } from '@berth/contracts';

/** A value together with the buffers that move with it instead of being copied. */
export interface Moved<T> {
  readonly value: T;
  readonly transfer: readonly Transferable[];
}

type Handler = (...args: never[]) => unknown;

interface Request {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

type Response =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: WireError };

/** Answers calls that arrive on a port, one after the other. A handler may return `Moved` to transfer buffers. */
export function serveCalls(port: MessagePort, handlers: Record<string, Handler>): void {
  let last: Promise<void> = Promise.resolve();
  const answer = async (request: Request): Promise<void> => {
    try {
      const handler = handlers[request.method];
      if (handler === undefined) throw new BerthError('INTERNAL', `No method ${request.method}`);
      const result: unknown = await handler(...(request.args as never[]));
      if (isMoved(result))
        port.postMessage({ id: request.id, ok: true, value: result.value }, result.transfer);
      else port.postMessage({ id: request.id, ok: true, value: result });
    } catch (error) {
      port.postMessage({ id: request.id, ok: false, error: errorToWire(error) });
    }
  };
  port.on('message', (request: Request) => {
    last = last.then(() => answer(request));
  });
}

export function moved<T>(value: T, ...arrays: readonly ArrayBufferView[]): Moved<T> {
  return { value, transfer: arrays.map((array) => array.buffer as ArrayBuffer) };
}

function isMoved(value: unknown): value is Moved<unknown> {
  return typeof value === 'object' && value !== null && 'transfer' in value && 'value' in value;
}

/** The calling side: one promise per call; all of them reject when the thread ends. */
export class ThreadCaller {
  readonly #worker: Worker;
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #nextId = 1;
  #ended: Error | undefined;
  #rejectDeath: (error: Error) => void = () => undefined;
  /** Never resolves; rejects with `WORKER_LOST` when the thread ends. */
  readonly death: Promise<never>;

  constructor(worker: Worker, name: string) {
    this.#worker = worker;
    this.death = new Promise((_, reject) => (this.#rejectDeath = reject));
    this.death.catch(() => undefined); // Ending it on purpose is no failure.
    worker.on('message', (response: Response) => this.#settle(response));
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
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, method, args }, transfer);
    });
  }

  #settle(response: Response): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
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
