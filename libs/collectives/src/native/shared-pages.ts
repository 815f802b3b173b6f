import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import type { Addon } from './addon.ts';

/** Where processes of this machine and user find a member's memory. */
export interface MemoryPlace {
  readonly pid: number;
  /** A descriptor of that process. */
  readonly file: number;
  readonly numBytes: number;
  /** What the memory starts with, in hex: a process of another namespace may have the same numbers. */
  readonly token: string;
}

const tokenBytes = 16;

/**
 * The pages of a member's memory, in a file that only this process writes to: others of the same user can open it for reading by way of
 * `/proc`. It has no name and is freed when the last process that maps it is gone, however it ends.
 */
export class SharedPages {
  readonly #addon: Addon;
  readonly #file: number;
  readonly #token = randomBytes(tokenBytes);

  /** @throws Error if the system has no such files */
  constructor(addon: Addon) {
    this.#addon = addon;
    this.#file = addon.createFile();
  }

  /**
   * Takes memory in from `start` on, where nothing has been put yet, but for the token at its beginning.
   * @throws Error if there is not so much memory
   */
  grow(memory: Uint8Array, start: number): void {
    this.#addon.grow(this.#file, memory, start);
    if (start === 0) memory.set(this.#token);
  }

  place(numBytes: number): MemoryPlace {
    return { pid: process.pid, file: this.#file, numBytes, token: this.#token.toString('hex') };
  }

  /** The memory stays as it is, for this process and for those that have mapped it. */
  close(): void {
    closeSync(this.#file);
  }
}
