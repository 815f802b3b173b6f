import { sumContributions, vectorDigest, type Contribution } from '@berth/collectives';
import type { View, ViewMember, WireError } from '@berth/contracts';
import { viewName } from '../../protocol/member-state.ts';
import type { SimProcess } from './sim-process.ts';
import { simError, type World } from './world.ts';

type Frame =
  | { readonly kind: 'hello'; readonly view: string; readonly isReply: boolean }
  | {
      readonly kind: 'blocks';
      readonly view: string;
      readonly step: number;
      readonly blocks: readonly Contribution[];
    }
  /** In order, or by the kernel when the process is gone or the connection broke. */
  | { readonly kind: 'closed'; readonly view: string; readonly isInOrder: boolean };

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
  /** Contributions by step and sender. */
  readonly inbox: Map<number, Map<string, readonly Contribution[]>>;
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
      inbox: new Map(),
      failure: undefined,
      waiting: { step: 'join', done, failed },
    };
    this.#session = session;
    this.#dial(session);
    this.#deadline(session, timeoutMs);
    this.#progress(session);
  }

  /** Sends our blocks to all, and sums all when theirs are here. */
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
    this.#inboxOf(session, step).set(this.#process.name, blocks);
    for (const other of this.#others(session))
      this.#send(other, { kind: 'blocks', view: session.name, step, blocks });
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
    const { clock, random, waitingFrameFaults, trace } = this.#world;
    const receiver = this.#directory.get(memberId);
    if (receiver === undefined) return;
    const from = this.#process.name;
    const deliver = (delayMs: number): void =>
      clock.after(delayMs, () => receiver.#process.after(0, () => receiver.#receive(from, frame)));
    const fault = frame.kind === 'closed' ? undefined : waitingFrameFaults.pop();
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
      case undefined:
        deliver(random.between(0.2, 2));
    }
  }

  #receive(from: string, frame: Frame): void {
    const session = this.#session;
    if (session === undefined) return;
    const isFenced = this.#world.sabotage !== 'no-frame-fence';
    if (frame.view !== session.name && (isFenced || frame.kind !== 'blocks')) return;
    switch (frame.kind) {
      case 'hello':
        session.greeted.add(from);
        if (!frame.isReply)
          this.#send({ memberId: from }, { kind: 'hello', view: session.name, isReply: true });
        break;
      case 'blocks':
        this.#world.invariants.checkFrame(this.#process.name, frame.view, session.name);
        this.#inboxOf(session, frame.step).set(from, frame.blocks);
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
    if (this.#missing(session, waiting).length > 0) return;
    session.waiting = undefined;
    if (waiting.step === 'join') {
      waiting.done('');
      return;
    }
    const inbox = this.#inboxOf(session, waiting.step);
    session.inbox.delete(waiting.step);
    const parts = session.view.members.map(({ memberId }) => inbox.get(memberId) ?? []);
    waiting.done(vectorDigest(this.#sum(parts)));
  }

  #sum(parts: readonly (readonly Contribution[])[]): Float32Array {
    const sum = sumContributions(parts.flat()).slice();
    if (this.#world.sabotage === 'member-order') {
      // Each member's own sum first, then one member after the other.
      const partial = parts.map((blocks) => chain(blocks.map(({ data }) => data)));
      sum.set(chain(partial));
    }
    if (this.#world.numFlips > 0) {
      this.#world.numFlips--;
      this.#world.trace.note(this.#process.name, 'a bit flips in the reduced gradient');
      new Uint32Array(sum.buffer)[0]! ^= 1;
    }
    return sum;
  }

  #missing(session: Session, { step }: Waiting): string[] {
    const heard = step === 'join' ? session.greeted : this.#inboxOf(session, step);
    return this.#others(session)
      .map(({ memberId }) => memberId)
      .filter((memberId) => !heard.has(memberId));
  }

  #inboxOf(session: Session, step: number): Map<string, readonly Contribution[]> {
    const inbox = session.inbox.get(step) ?? new Map<string, readonly Contribution[]>();
    session.inbox.set(step, inbox);
    return inbox;
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

function chain(vectors: readonly Float32Array[]): Float32Array {
  const [first, ...others] = vectors.filter((vector) => vector.length > 0);
  const sum = first === undefined ? new Float32Array() : first.slice();
  for (const vector of others)
    for (let index = 0; index < sum.length; index++) sum[index]! += vector[index]!;
  return sum;
}

function lost(memberId: string, left = false): WireError {
  const what = left ? `${memberId} left` : `the connection with ${memberId} broke`;
  return simError('COLLECTIVE_PEER_LOST', what, left ? { memberId, left } : { memberId });
}
