import { vectorDigest, type Contribution } from '@berth/collectives';
import type { View, ViewMember, WireError } from '@berth/contracts';
import { viewName } from '../ledger/view-id.ts';
import {
  contributionFrame,
  corrupted,
  damaged,
  isFaultFor,
  isIntact,
  reducedFrame,
  type Frame,
} from './frames.ts';
import type { SimProcess } from './sim-process.ts';
import { SimRound } from './sim-round.ts';
import { simError, type FrameFault, type World } from './world.ts';

/** What a member waits for from its peers. */
interface Waiting {
  readonly step: number | 'join';
  readonly done: (digest: string) => void;
  readonly failed: (error: WireError) => void;
}

interface Session {
  readonly view: View;
  readonly name: string;
  readonly greeted: Set<string>;
  /** By step. */
  readonly rounds: Map<number, SimRound>;
  failure: WireError | undefined;
  waiting: Waiting | undefined;
}

const redialMs = 200;

/** One member's connections with its peers: frames that may be late, doubled or lost, and connections that break. */
export class Peers {
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #directory: ReadonlyMap<string, Peers>;
  readonly #onPeerLost: (error: WireError) => void;
  #session: Session | undefined;

  constructor(
    world: World,
    process: SimProcess,
    directory: ReadonlyMap<string, Peers>,
    onPeerLost: (error: WireError) => void,
  ) {
    this.#onPeerLost = onPeerLost;
    this.#world = world;
    this.#process = process;
    this.#directory = directory;
  }

  join(view: View, timeoutMs: number, done: () => void, failed: (error: WireError) => void): void {
    const session: Session = {
      view,
      name: viewName(view),
      greeted: new Set(),
      rounds: new Map(),
      failure: undefined,
      waiting: { step: 'join', done, failed },
    };
    this.#session = session;
    this.#dial(session);
    this.#deadline(session, timeoutMs);
    this.#progress(session);
  }

  /** Sends our blocks to all, our slice of the sum when theirs are here, and is done when all slices are. */
  reduce(
    step: number,
    blocks: readonly Contribution[],
    timeoutMs: number,
    done: (digest: string) => void,
    failed: (error: WireError) => void,
  ): void {
    const session = this.#session;
    if (session === undefined) {
      failed(simError('INTERNAL', 'reduce without a session'));
      return;
    }
    session.waiting = { step, done, failed };
    this.#roundOf(session, step).contribute(this.#process.name, blocks);
    for (const other of this.#others(session))
      this.#send(other, contributionFrame(session.name, step, blocks));
    this.#deadline(session, timeoutMs);
    this.#progress(session);
  }

  /** Closes the connections; the others notice. */
  leave({ isInOrder }: { readonly isInOrder: boolean }): void {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    for (const other of this.#others(session))
      this.#send(other, { kind: 'closed', view: session.name, isInOrder });
  }

  #others(session: Session): ViewMember[] {
    return session.view.members.filter(({ memberId }) => memberId !== this.#process.name);
  }

  #dial(session: Session): void {
    if (this.#session !== session || session.waiting?.step !== 'join') return;
    for (const { memberId } of this.#others(session)) {
      const peer = this.#directory.get(memberId);
      if (peer === undefined || !peer.#process.isAlive) {
        this.#process.after(1, () => this.#fail(session, lost(memberId)));
        return;
      }
      this.#send({ memberId }, { kind: 'hello', view: session.name, isReply: false });
    }
    this.#process.after(redialMs, () => this.#dial(session));
  }

  #send({ memberId }: Pick<ViewMember, 'memberId'>, frame: Frame): void {
    const { clock, random, trace } = this.#world;
    const receiver = this.#directory.get(memberId);
    if (receiver === undefined) return;
    const from = this.#process.name;
    const deliver = (delayMs: number, sent = frame): void =>
      clock.after(delayMs, () => receiver.#process.after(0, () => receiver.#receive(from, sent)));
    const fault = this.#takeFault(frame);
    if (fault !== undefined) trace.note(from, `${frame.kind} to ${memberId} meets: ${fault}`);
    switch (fault) {
      case 'vanish':
        return;
      case 'cut': {
        // The connection breaks, and both ends notice.
        const view = frame.view;
        const broken = { kind: 'closed', view, isInOrder: false } as const;
        clock.after(1, () => receiver.#process.after(0, () => receiver.#receive(from, broken)));
        this.#process.after(1, () => this.#receive(memberId, broken));
        return;
      }
      case 'late':
        deliver(random.between(50, 4_000));
        return;
      case 'twice':
        deliver(random.between(0.2, 2));
        deliver(random.between(0.2, 4_000));
        return;
      case 'contribution-corrupt':
      case 'reduced-corrupt':
        deliver(random.between(0.2, 2), 'check' in frame ? corrupted(frame) : frame);
        return;
      case undefined:
        deliver(random.between(0.2, 2));
    }
  }

  /** The newest of the faults lying in wait that can be done to the frame. */
  #takeFault(frame: Frame): FrameFault | undefined {
    const { waitingFrameFaults, invariants } = this.#world;
    // A broken connection parts a member from those who could contradict it: ADR 0031.
    if (invariants.isDamaged) return undefined;
    const index = waitingFrameFaults.findLastIndex((fault) => isFaultFor(frame, fault));
    return index < 0 ? undefined : waitingFrameFaults.splice(index, 1)[0];
  }

  #receive(from: string, frame: Frame): void {
    const session = this.#session;
    if (session === undefined) return;
    const isFenced = this.#world.sabotage !== 'no-frame-fence';
    if (frame.view !== session.name && (isFenced || !('check' in frame))) return;
    switch (frame.kind) {
      case 'hello':
        session.greeted.add(from);
        if (!frame.isReply)
          this.#send({ memberId: from }, { kind: 'hello', view: session.name, isReply: true });
        break;
      case 'contribution':
      case 'reduced':
        this.#world.invariants.checkFrame(this.#process.name, frame.view, session.name);
        if (!isIntact(frame) && this.#world.sabotage !== 'no-frame-check') {
          this.#fail(session, damaged(from, frame));
          return;
        }
        this.#roundOf(session, frame.step).keep(from, frame);
        break;
      case 'closed': {
        const error = lost(from, frame.isInOrder);
        this.#fail(session, error);
        if (!frame.isInOrder) this.#onPeerLost(error);
        return;
      }
    }
    this.#progress(session);
  }

  #progress(session: Session): void {
    const { waiting, failure } = session;
    if (waiting === undefined) return;
    if (failure !== undefined) {
      this.#fail(session, failure);
      return;
    }
    if (waiting.step !== 'join') this.#sumSlice(session, waiting.step);
    if (this.#missing(session, waiting).length > 0) return;
    session.waiting = undefined;
    if (waiting.step === 'join') {
      waiting.done('');
      return;
    }
    const sum = this.#roundOf(session, waiting.step).total;
    session.rounds.delete(waiting.step);
    this.#flip(sum);
    waiting.done(vectorDigest(sum));
  }

  /** Sums our slice once all blocks are here. */
  #sumSlice(session: Session, step: number): void {
    const inMemberOrder = this.#world.sabotage === 'member-order';
    const slice = this.#roundOf(session, step).sumSlice(this.#process.name, inMemberOrder);
    if (slice === undefined) return;
    for (const other of this.#others(session))
      this.#send(other, reducedFrame(session.name, step, slice));
  }

  #flip(sum: Float32Array): void {
    if (this.#world.numFlips === 0) return;
    this.#world.numFlips--;
    this.#world.trace.note(this.#process.name, 'a bit flips in the reduced gradient');
    new Uint32Array(sum.buffer)[0]! ^= 1;
  }

  #missing(session: Session, { step }: Waiting): string[] {
    const others = this.#others(session).map(({ memberId }) => memberId);
    if (step === 'join') return others.filter((memberId) => !session.greeted.has(memberId));
    const round = this.#roundOf(session, step);
    return others.filter((memberId) => !round.has(memberId));
  }

  #roundOf({ view, rounds }: Session, step: number): SimRound {
    const round = rounds.get(step) ?? new SimRound(view.members.map(({ memberId }) => memberId));
    rounds.set(step, round);
    return round;
  }

  #deadline(session: Session, timeoutMs: number): void {
    const { waiting } = session;
    if (waiting === undefined) return;
    this.#process.after(timeoutMs, () => {
      if (session.waiting !== waiting) return;
      const missing = this.#missing(session, waiting).join(', ');
      const message = `${waiting.step} waits for ${missing} after ${timeoutMs} ms`;
      this.#fail(session, simError('COLLECTIVE_TIMEOUT', message, { missing }));
    });
  }

  /** A session is used up by its first failure. */
  #fail(session: Session, error: WireError): void {
    session.failure ??= error;
    const { waiting } = session;
    session.waiting = undefined;
    waiting?.failed(session.failure);
  }
}

function lost(memberId: string, left = false): WireError {
  const what = left ? `${memberId} left` : `the connection with ${memberId} broke`;
  return simError('COLLECTIVE_PEER_LOST', what, left ? { memberId, left } : { memberId });
}
