import type { Socket } from 'node:net';
import { Progress } from '../reduce/progress.ts';

/** Enough to keep the kernel busy while the event loop turns. */
const maxWritesInFlight = 2;

/** Writes to a socket without copying, holding the writer back while the peer does not read. */
export class ByteSink {
  readonly socket: Socket;
  readonly #flushed = new Progress();
  #numWrites = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the connection was closed')));
  }

  /** Sends the pieces in one go and resolves when there is room for more. They must not change before `flushed()`. */
  write(...pieces: readonly Uint8Array[]): Promise<void> {
    const whenFlushed = (error?: Error | null): void => {
      if (!error) this.#flushed.advance();
    };
    this.#numWrites += 1;
    this.socket.cork();
    for (const [index, piece] of pieces.entries())
      this.socket.write(piece, index === pieces.length - 1 ? whenFlushed : undefined);
    this.socket.uncork();
    return this.#flushed.reach(this.#numWrites - maxWritesInFlight + 1);
  }

  /** Resolves when the kernel has everything, so that the pieces may change. */
  flushed(): Promise<void> {
    return this.#flushed.reach(this.#numWrites);
  }

  /** Closes the connection; all waits reject with this error. */
  fail(error: Error): void {
    this.#flushed.fail(error);
    this.socket.destroy();
  }
}
