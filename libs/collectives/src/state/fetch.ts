import type { KeyObject } from 'node:crypto';
import { BerthError, isBerthError, type Logger, silentLogger } from '@berth/contracts';
import type { ByteSource } from '../connections/byte-source.ts';
import {
  type ControlMessage,
  encodeControl,
  readControl,
  type StateLabel,
} from '../connections/control.ts';
import { dialMember } from '../connections/dial-member.ts';
import type { LentSockets } from '../connections/lent-sockets.ts';
import type { PeerAddress, Reach } from '../connections/peer-address.ts';
import { protocolError } from '../connections/frame.ts';
import { Progress } from '../reduce/progress.ts';
import { peerLost } from '../connections/peer-lost.ts';
import { describeState, isSameState, labelOf } from './label.ts';
import type { StateMemory } from './memory.ts';
import { SliceQueue } from './slice-queue.ts';

/** Slices asked of a donor before it has sent the one before: it digests the next while the network is busy. */
const slicesAhead = 2;
const defaultSliceTimeoutMs = 10_000;

export interface StateRequest {
  readonly label: StateLabel;
  /** Where the state goes; worth nothing unless the fetch succeeds. */
  readonly memory: StateMemory;
  /** For all of it. */
  readonly timeoutMs: number;
  /** For one slice; then its donor counts as lost. @defaultValue 10 s */
  readonly sliceTimeoutMs?: number;
  /** When it aborts, the fetch rejects and writes no more. */
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
}

/** How a state came. */
export interface StateTransfer {
  readonly numBytes: number;
  /** Time that went into digests, of the whole. */
  readonly verifyMs: number;
  /** Slices by who gave them. */
  readonly slicesOf: Readonly<Record<string, number>>;
}

/** Who asks, and the key that it proves. */
interface Identity {
  readonly from: string;
  readonly key: KeyObject;
  readonly lent: LentSockets;
  /** Whether this side can be dialled, and the relay of its view. */
  readonly self: Reach;
  readonly relay: PeerAddress | undefined;
}

/** @throws BerthError as `PeerNode.fetchState` */
export function fetchState(
  donors: readonly PeerAddress[],
  request: StateRequest & Identity,
): Promise<StateTransfer> {
  return new StateFetch(donors, request).run();
}

/** Copies one state from all donors at once. */
class StateFetch {
  readonly #donors: readonly PeerAddress[];
  readonly #request: StateRequest & Identity;
  readonly #queue: SliceQueue;
  readonly #sources = new Map<string, ByteSource>();
  readonly #losses = new Map<string, BerthError>();
  readonly #slicesOf: Record<string, number> = {};
  /** Why all of it ends early. */
  #end: BerthError | undefined;
  /** Grows whenever donors without work may find some. */
  readonly #changes = new Progress();
  #verifyMs = 0;

  constructor(donors: readonly PeerAddress[], request: StateRequest & Identity) {
    this.#donors = donors;
    this.#request = request;
    const names = donors.map(({ memberId }) => memberId);
    this.#queue = new SliceQueue(request.memory.slices.length, names);
  }

  async run(): Promise<StateTransfer> {
    const { timeoutMs, signal, memory } = this.#request;
    const timer = setTimeout(() => this.#stop(this.#tooLate()), timeoutMs);
    const aborted = (): void => this.#stop(abortion(signal?.reason));
    signal?.addEventListener('abort', aborted, { once: true });
    try {
      if (signal?.aborted === true) throw abortion(signal.reason);
      await Promise.all(this.#donors.map((donor) => this.#copyFrom(donor)));
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
    }
    if (!this.#queue.isDone) throw this.#end ?? this.#noDonorLeft();
    const numBytes = memory.slices.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return { numBytes, verifyMs: this.#verifyMs, slicesOf: this.#slicesOf };
  }

  /** Takes slices from one donor until there are no more, or it is lost. */
  async #copyFrom(donor: PeerAddress): Promise<void> {
    const { memberId } = donor;
    const { key, from, self, lent, relay, label, logger = silentLogger } = this.#request;
    try {
      const source = await dialMember(donor, {
        self,
        lent,
        relay,
        key,
        from,
        purpose: 'state',
        logger,
        onAttempt: (attempt) => this.#sources.set(memberId, attempt),
        isOver: () => true,
      });
      if (this.#end !== undefined) throw this.#end;
      source.socket.write(encodeControl({ kind: 'state', ...label }));
      this.#requireOffer(await readControl(source));
      await this.#takeSlices(memberId, source);
    } catch (error) {
      if (this.#queue.isDone) return;
      const loss = peerLost(memberId, error);
      this.#losses.set(memberId, loss);
      this.#queue.lost(memberId);
      logger.debug('A donor is lost', { memberId, error: loss });
    } finally {
      this.#sources.get(memberId)?.socket.destroy();
      this.#changes.advance();
    }
  }

  async #takeSlices(memberId: string, source: ByteSource): Promise<void> {
    const { label } = this.#request;
    const asked: number[] = [];
    while (!this.#queue.isDone) {
      if (source.failure !== undefined) throw source.failure;
      const numChanges = this.#changes.count;
      while (asked.length < slicesAhead) {
        const index = this.#queue.take(memberId);
        if (index === undefined) break;
        asked.push(index);
        source.socket.write(encodeControl({ kind: 'slice', ...label, index }));
      }
      const index = asked.shift();
      if (index === undefined) await this.#changes.reach(numChanges + 1);
      else await this.#receive(memberId, source, index);
    }
  }

  /** Reads a slice to its place and verifies it there. */
  async #receive(memberId: string, source: ByteSource, index: number): Promise<void> {
    const { memory, sliceTimeoutMs = defaultSliceTimeoutMs } = this.#request;
    const slice = memory.slices[index];
    if (slice === undefined) throw new BerthError('INTERNAL', `A state has no slice ${index}`);
    const timer = setTimeout(
      () => source.fail(this.#silent(memberId, index, sliceTimeoutMs)),
      sliceTimeoutMs,
    );
    try {
      const sent = await readControl(source);
      if (sent.kind !== 'piece' || sent.index !== index) this.#refuse(sent);
      else {
        if (!isSameState(sent, this.#request.label)) this.#refuse(sent);
        await source.readInto(memory.bytes(slice));
        this.#verify(memberId, index, sent.digest);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #verify(memberId: string, index: number, digest: string): void {
    const { memory, logger } = this.#request;
    const startMs = performance.now();
    const isSound = memory.digest(memory.slices[index]!) === digest;
    this.#verifyMs += performance.now() - startMs;
    if (isSound) {
      this.#queue.arrived(memberId, index);
      this.#slicesOf[memberId] = (this.#slicesOf[memberId] ?? 0) + 1;
      // Who has not answered yet need not.
      if (this.#queue.isDone) this.#hangUp(new Error('all slices are here'));
      return;
    }
    logger?.warn('A slice of the state did not verify', { memberId, index });
    if (!this.#queue.spoilt(memberId, index))
      throw protocolError(`its slices, ${index} the last, do not have the digests sent with them`);
    this.#changes.advance();
  }

  #requireOffer(message: ControlMessage): void {
    const { label, memory } = this.#request;
    if (message.kind === 'absent') throw new BerthError('COLLECTIVE_ABORTED', message.reason);
    if (message.kind !== 'offer' || !isSameState(message, label)) this.#refuse(message);
    else if (JSON.stringify(message.partLengths) !== JSON.stringify(memory.partLengths))
      throw protocolError(
        `offers state with parts of ${message.partLengths.join(', ')} elements, not ${memory.partLengths.join(', ')}`,
      );
  }

  #refuse(message: ControlMessage): never {
    const what =
      'viewVersion' in message && 'step' in message
        ? `${message.kind} of ${describeState(labelOf(message))}`
        : message.kind;
    throw protocolError(`sent ${what}, asked for ${describeState(this.#request.label)}`);
  }

  #stop(error: BerthError): void {
    this.#end ??= error;
    this.#hangUp(error);
  }

  #hangUp(reason: Error): void {
    for (const source of this.#sources.values()) source.fail(reason);
    this.#changes.advance();
  }

  #tooLate(): BerthError {
    const { label, timeoutMs } = this.#request;
    const missing = this.#donors
      .map(({ memberId }) => memberId)
      .filter((memberId) => !this.#losses.has(memberId))
      .join(', ');
    const message = `state of ${describeState(label)} did not arrive from ${missing} within ${timeoutMs} ms`;
    const details = { missing, phase: 'state', step: label.step };
    return new BerthError('COLLECTIVE_TIMEOUT', message, { details });
  }

  #silent(memberId: string, index: number, ms: number): BerthError {
    const { step } = this.#request.label;
    const message = `slice ${index} of the state after step ${step} did not arrive from ${memberId} within ${ms} ms`;
    const details = { missing: memberId, phase: 'state', step };
    return new BerthError('COLLECTIVE_TIMEOUT', message, { details });
  }

  #noDonorLeft(): BerthError {
    const { label } = this.#request;
    const losses = [...this.#losses];
    const [, only] = losses.at(-1) ?? [];
    if (losses.length === 1 && only !== undefined) return only;
    const isGone = ({ code }: BerthError): boolean =>
      code === 'COLLECTIVE_PEER_LOST' || code === 'COLLECTIVE_TIMEOUT';
    const gone = losses.filter(([, error]) => isGone(error)).map(([memberId]) => memberId);
    const reasons = losses.map(([, error]) => error.message).join('; ');
    const code = gone.length > 0 ? 'COLLECTIVE_PEER_LOST' : 'COLLECTIVE_ABORTED';
    return new BerthError(code, `nobody is left to copy ${describeState(label)} from: ${reasons}`, {
      details: { missing: gone.join(', '), phase: 'state', step: label.step },
    });
  }
}

function abortion(reason: unknown): BerthError {
  if (isBerthError(reason)) return reason;
  return new BerthError('COLLECTIVE_ABORTED', 'The copy of a state was given up', {
    cause: reason,
  });
}
