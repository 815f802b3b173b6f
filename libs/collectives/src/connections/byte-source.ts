import { connect, Socket } from 'node:net';
import { BerthError } from '@berth/contracts';
import type { LocalEndpoint } from './local-path.ts';

/** About a header: what lands here is copied, and so is little. */
const spillBytes = 64;
const keepAliveMs = 10_000;
const closeGraceMs = 1000;
const nothing = new Uint8Array(0);

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What a reader wants next: memory to fill, or to be left alone until a promise resolves. */
export type ReadStep = Uint8Array | Promise<void>;

interface Read {
  /** Called as soon as the wanted memory is full; may ask for more at once. */
  readonly filled: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Pull-style reads from a socket, straight into the reader's memory if this side dials: nobody reading means
 * nothing is taken from the kernel, which in turn holds back the sender. From a socket that was connected before bytes are copied.
 *
 * Node asks for the next buffer as soon as bytes have landed, and keeps that choice over a pause. So when no read is due
 * by then it is given a small spill buffer; what lands there is copied out by later reads, and the socket stays paused
 * until all of it is.
 */
export class ByteSource {
  readonly socket: Socket;
  /** Whether it leads to a local socket, and so to this machine. */
  readonly isLocal: boolean;
  readonly #spill = new Uint8Array(spillBytes);
  #landing: Uint8Array = nothing;
  #unread: Uint8Array = nothing;
  #wanted: Uint8Array = nothing;
  #read: Read | undefined;
  #failure: Error | undefined;

  constructor(endpoint: Endpoint | LocalEndpoint | Socket) {
    this.isLocal = !(endpoint instanceof Socket) && 'path' in endpoint;
    this.socket = endpoint instanceof Socket ? endpoint : this.#connect(endpoint);
    if (endpoint instanceof Socket) endpoint.on('data', this.#came);
    this.socket.on('error', this.#erred);
    this.socket.on('close', this.#closed);
  }

  #connect(endpoint: Endpoint | LocalEndpoint): Socket {
    return connect({
      ...('path' in endpoint
        ? { path: endpoint.path }
        : { host: endpoint.host, port: endpoint.port }),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      onread: {
        buffer: () => this.#chooseBuffer(),
        callback: (numBytes) => this.#landed(numBytes),
      },
    });
  }

  readonly #erred = (error: Error): void => this.fail(error);
  readonly #closed = (): void => this.fail(new Error('the connection was closed'));

  /** Of a socket that was connected before: gives it back, with what has come and was not read. */
  release(): Socket {
    this.socket.off('data', this.#came).off('error', this.#erred).off('close', this.#closed);
    this.socket.pause();
    if (this.#unread.length > 0) this.socket.unshift(this.#unread);
    return this.socket;
  }

  /** Why the connection ended. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Resolves once connected; rejects with the socket's error. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('connect', resolve);
      this.socket.once('close', () => reject(this.#failure ?? new Error('closed')));
    });
  }

  /** Fills `target`. One read at a time. Rejects when the connection is lost before it is full. */
  readInto(target: Uint8Array): Promise<void> {
    return this.follow([target][Symbol.iterator]());
  }

  /**
   * Does one step after the other. The reader is asked for the next one within the turn in which memory has become full,
   * so that bytes which follow land in their place too.
   */
  follow(steps: Iterator<ReadStep>): Promise<void> {
    if (this.#read !== undefined) throw new BerthError('INTERNAL', 'a read is already under way');
    return new Promise((resolve, reject) => {
      const advance = (): void => {
        try {
          for (;;) {
            const { value, done } = steps.next();
            if (done === true) return resolve();
            if (value instanceof Promise) return void value.then(advance, reject);
            if (!this.#fill(value, { filled: advance, reject })) return;
          }
        } catch (error) {
          reject(error);
        }
      };
      advance();
    });
  }

  /** Closes the connection; the pending read and all later ones reject with this error. */
  fail(error: Error): void {
    this.#end(error);
    this.socket.destroy();
  }

  /** Like `fail`, but sends a last word first, and gives the peer time to read it before its writes fail. */
  leave(error: Error, lastFrame: Uint8Array): void {
    if (this.socket.pending || this.socket.destroyed) return this.fail(error);
    this.#end(error);
    this.socket.pause();
    this.socket.end(lastFrame);
    setTimeout(() => this.socket.destroy(), closeGraceMs).unref();
  }

  #end(error: Error): void {
    this.#failure ??= error;
    this.#read?.reject(this.#failure);
    this.#read = undefined;
  }

  #chooseBuffer(): Uint8Array {
    this.#landing = this.#wanted.length > 0 ? this.#wanted : this.#spill;
    return this.#landing;
  }

  /** @returns whether the socket should go on reading */
  #landed(numBytes: number): boolean {
    if (this.#landing === this.#wanted) {
      this.#wanted = this.#wanted.subarray(numBytes);
    } else {
      this.#unread = this.#landing.subarray(0, numBytes);
      this.#takeUnread();
    }
    const read = this.#read;
    if (read !== undefined && this.#wanted.length === 0) {
      this.#read = undefined;
      read.filled();
    }
    return this.#unread.length === 0;
  }

  /** @returns true if the target is full already; otherwise the read is told */
  #fill(target: Uint8Array, read: Read): boolean {
    this.#wanted = target;
    this.#takeUnread();
    if (this.#wanted.length === 0) return true;
    if (this.#failure !== undefined) throw this.#failure;
    this.#read = read;
    this.socket.resume();
    return false;
  }

  /** Bytes of a socket that was connected before. */
  readonly #came = (bytes: Buffer): void => {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    this.#takeUnread();
    const read = this.#read;
    if (read !== undefined && this.#wanted.length === 0) {
      this.#read = undefined;
      read.filled();
    }
    if (this.#unread.length > 0) this.socket.pause();
  };

  #takeUnread(): void {
    const numBytes = Math.min(this.#unread.length, this.#wanted.length);
    this.#wanted.set(this.#unread.subarray(0, numBytes));
    this.#wanted = this.#wanted.subarray(numBytes);
    this.#unread = this.#unread.subarray(numBytes);
  }
}
