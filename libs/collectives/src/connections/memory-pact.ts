import type { PeerMemory } from '../native/peer-memory.ts';
import type { MemoryPlace } from '../native/shared-pages.ts';
import { Progress } from '../reduce/progress.ts';
import type { ByteSink } from './byte-sink.ts';
import type { ByteSource } from './byte-source.ts';
import { type ControlMessage, encodeControl, readControl } from './control.ts';
import { protocolError } from './frame.ts';

/**
 * What two members of one machine agree on, each way by itself: before the first frame of a local connection its listening member says
 * where its memory is. The dialling one maps it, and says whether it could: if so, frames come without their bytes, which are read there.
 */
export class MemoryPact {
  /** The peer's memory, if what it has is read there. */
  memory: PeerMemory | undefined;
  /** If the peer reads this member's memory: the steps whose sums it has taken. */
  taken: Progress | undefined;
  #isAsking = false;
  #isOffered = false;

  /** Whether something is still to be said. */
  get isOpen(): boolean {
    return this.#isAsking || this.#isOffered;
  }

  /**
   * The dialling side.
   * @param open - maps the memory; throws an Error if that cannot be done
   * @returns why bytes come with their frames, if they do
   * @throws BerthError `COLLECTIVE_PROTOCOL`, or the connection's error
   */
  async ask(
    source: ByteSource,
    open: (place: MemoryPlace) => PeerMemory,
  ): Promise<string | undefined> {
    this.#isAsking = true;
    const message = await readControl(source);
    this.#isAsking = false;
    if (message.kind === 'absent') return message.reason;
    if (message.kind !== 'memory') throw protocolError(`sent ${message.kind} where memory is due`);
    try {
      this.memory = open(message);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      source.socket.write(encodeControl({ kind: 'absent', reason }));
      return reason;
    }
    source.socket.write(encodeControl({ kind: 'mapped' }));
    return undefined;
  }

  /** The listening side. @param place - or why there is none. @returns whether an answer is due */
  offer(sink: ByteSink, place: MemoryPlace | string): boolean {
    this.#isOffered = typeof place !== 'string';
    const message =
      typeof place === 'string'
        ? encodeControl({ kind: 'absent', reason: place })
        : encodeControl({ kind: 'memory', ...place });
    // What fails here ends the connection, which is told.
    sink.write(message).catch(() => undefined);
    return this.#isOffered;
  }

  /**
   * Takes what the peer says of this member's memory.
   * @param step - that is under way
   * @returns `answered` once; `undue` if nothing of that kind is due
   */
  hear(message: ControlMessage, step: number | undefined): 'answered' | 'taken' | 'undue' {
    if (message.kind === 'taken') {
      if (this.taken === undefined || message.step !== step) return 'undue';
      this.taken.advance();
      return 'taken';
    }
    if (!this.#isOffered || (message.kind !== 'mapped' && message.kind !== 'absent'))
      return 'undue';
    this.#isOffered = false;
    if (message.kind === 'mapped') this.taken = new Progress();
    return 'answered';
  }

  /** Nothing is read any more. */
  end(error: Error): void {
    this.taken?.fail(error);
    this.memory?.close();
  }
}
