import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';

/** From a failure to the next try. */
const openAgainMs = 5_000;
/** Lines that a slow disk has not taken yet. */
const maxWaitingBytes = 8 * 2 ** 20;

/**
 * The log of a child process, appended to a file. What cannot be written is dropped, and said once: a full disk must not end
 * whoever writes, nor keep the child waiting. Goes on when there is space again.
 */
export class LogFile {
  readonly path: string;
  readonly #say: (message: string) => void;
  #stream: WriteStream | undefined;
  #openAgainMs = -Infinity;
  #hasSaid = false;

  constructor(path: string, say: (message: string) => void) {
    this.path = path;
    this.#say = say;
    mkdirSync(dirname(path), { recursive: true });
  }

  /** Takes all that a stream gives. */
  take(source: Readable): void {
    source.on('data', (chunk: Buffer) => this.#write(chunk));
  }

  /** Resolves when the file is closed, with all in it that it could take. */
  async close(): Promise<void> {
    const stream = this.#stream;
    this.#openAgainMs = Infinity;
    if (stream !== undefined) await new Promise<void>((resolve) => stream.end(() => resolve()));
  }

  #write(chunk: Buffer): void {
    if (this.#stream === undefined && performance.now() >= this.#openAgainMs)
      this.#stream = this.#open();
    if (this.#stream !== undefined && this.#stream.writableLength < maxWaitingBytes)
      this.#stream.write(chunk);
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.path, { flags: 'a' });
    stream.on('error', (error) => {
      this.#stream = undefined;
      this.#openAgainMs = performance.now() + openAgainMs;
      if (this.#hasSaid) return;
      this.#hasSaid = true;
      this.#say(`${this.path} cannot be written: ${error.message}; lines are dropped until it can`);
    });
    return stream;
  }
}
