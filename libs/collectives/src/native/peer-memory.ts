import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import type { Addon, MappingHandle } from './addon.ts';
import type { MemoryPlace } from './shared-pages.ts';

/** What `/proc` calls a file that `SharedPages` has made. */
const nameOfFile = '/memfd:berth-sums';

/** The memory of a member on this machine, to be read only. */
export class PeerMemory {
  readonly handle: MappingHandle;
  readonly #addon: Addon;

  /** @throws Error if it cannot be found: in another namespace, of another user, or gone */
  constructor(addon: Addon, { pid, file, numBytes, token }: MemoryPlace) {
    const path = `/proc/${pid}/fd/${file}`;
    // Opening what is something else could have effects.
    if (!readlinkSync(path).startsWith(nameOfFile))
      throw new Error(`${path} is no member's memory`);
    const own = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#addon = addon;
    try {
      this.handle = addon.mapFile(own, numBytes);
    } finally {
      closeSync(own);
    }
    if (addon.startsWith(this.handle, Buffer.from(token, 'hex'))) return;
    this.close();
    throw new Error(`${path} is the memory of another member`);
  }

  /** Whoever reads it from then on gets an error. */
  close(): void {
    this.#addon.unmap(this.handle);
  }
}
