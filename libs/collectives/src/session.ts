import {
  BerthError,
  type GradientVector,
  isBerthError,
  toBerthError,
  type View,
  type ViewMember,
} from '@berth/contracts';
import { ByteSink } from './connections/byte-sink.ts';
import type { ByteSource } from './connections/byte-source.ts';
import { type ControlChannel, encodeControl, type JoinMessage } from './connections/control.ts';
import { dialMember } from './connections/dial-member.ts';
import { runHashOf } from './connections/frame.ts';
import { MemoryPact } from './connections/memory-pact.ts';
import { secretsDiffer } from './handshake/messages.ts';
import { checkContributions, planReduce, type ReducePlan } from './reduce/plan.ts';
import { Progress } from './reduce/progress.ts';
import { Readiness } from './reduce/readiness.ts';
import { peerLost } from './connections/peer-lost.ts';
import { type PeerLink, Round } from './reduce/round.ts';
import type { ReduceRequest, ReduceResult, SessionOptions, ViewSession } from './view-session.ts';

/** All who have another secret are to be named, not only the first. */
const otherSecretWaitMs = 250;
/** Far below what a control message may hold. */
const maxReasonLength = 1_000;
const aliveEveryMs = 500;
/** Looks without a sign of life between them that make a connection dead; counted, as a pause of ours proves nothing. */
const maxSilent = 3;
const listenMs = 1_000;

interface HalfLink {
  readonly index: number;
  readonly member: ViewMember;
  source: ByteSource | undefined;
  sink: ByteSink | undefined;
  readonly pact: MemoryPact;
  /** Both sides have proven the secret where this one has dialled. */
  connected: boolean;
}

export class Session implements ViewSession {
  readonly view: View;
  readonly vectors: readonly GradientVector[];
  readonly #options: SessionOptions;
  readonly #self: number;
  readonly #links: readonly HalfLink[];
  /** Connections that stand, two per peer. */
  readonly #standing = new Progress();
  readonly #plan: ReducePlan;
  /** Members that have another secret. */
  readonly #withOtherSecret: string[] = [];
  #round: Round | undefined;
  #failure: BerthError | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.view = options.view;
    const { members } = options.view;
    this.#self = members.findIndex(({ memberId }) => memberId === options.memberId);
    this.#links = members
      .map((member, index) => ({
        index,
        member,
        source: undefined,
        sink: undefined,
        pact: new MemoryPact(),
        connected: false,
      }))
      .filter(({ index }) => index !== this.#self);
    this.#plan = planReduce(options.view, options.shape);
    options.memory.layOut(this.#plan, this.#self);
    this.vectors = this.#plan.blocks.flatMap(({ owner }, position) =>
      owner === this.#self ? [options.memory.vector(position)] : [],
    );
  }

  /** Dials all peers and waits for their calls. @throws BerthError as `PeerNode.joinView` */
  async establish(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    await this.#within(
      { timeoutMs, signal },
      () => this.#joinTimeout(timeoutMs),
      async () => {
        for (const link of this.#links) void this.#dial(link);
        await this.#standing.reach(2 * this.#links.length);
      },
    );
  }

  /** Takes a peer's call: the connection on which this member sends. @returns false if it is not awaited */
  attach(hello: JoinMessage, channel: ControlChannel): boolean {
    const link = this.#links.find(({ member }) => member.memberId === hello.from);
    if (this.#failure !== undefined || link === undefined || link.sink !== undefined) return false;
    const lost = (cause: unknown): void => this.fail(peerLost(hello.from, cause));
    let numSilent = 0;
    const listening = setInterval(() => {
      numSilent += 1;
      if (numSilent > maxSilent) lost(new Error(`was silent for ${numSilent * listenMs} ms`));
    }, listenMs);
    channel.handOver({
      message: (message) => {
        if (message.kind === 'alive') numSilent = 0;
        else if (message.kind === 'leave') this.fail(peerLeft(hello.from, message.reason));
        else {
          const heard = link.pact.hear(message, this.#round?.step);
          if (heard === 'undue') lost(new Error(`sent ${message.kind} out of turn`));
          else if (heard === 'answered') this.#standing.advance();
        }
      },
      garbage: lost,
    });
    link.sink = new ByteSink(channel.socket);
    channel.socket.on('close', () => {
      clearInterval(listening);
      lost(new Error('the connection was closed'));
    });
    const isOffered =
      this.#sharesWith(channel) && link.pact.offer(link.sink, this.#options.memory.place);
    if (!isOffered) this.#standing.advance();
    return true;
  }

  async allReduce(request: ReduceRequest): Promise<ReduceResult> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#round !== undefined) {
      throw new BerthError('INTERNAL', 'an allReduce of this session is still under way');
    }
    const { memory, shape } = this.#options;
    if (request.contributions !== undefined) {
      const { blocks } = this.view.members[this.#self]!;
      checkContributions(request.contributions, blocks, shape);
      for (const [index, { data }] of request.contributions.entries())
        this.vectors[index]?.set(data);
    }
    const readiness = new Readiness(request.ready);
    const round = new Round({
      readiness,
      plan: this.#plan,
      memory,
      links: this.#establishedLinks(),
      self: this.#self,
      frameBase: {
        runHash: runHashOf(this.view.runId),
        fencingEpoch: this.view.fencingEpoch,
        viewVersion: this.view.version,
        step: request.step,
      },
    });
    this.#round = round;
    const limits = { ...request, from: readiness.reach(0) };
    const onTimeout = (): BerthError => this.#roundTimeout(round, request);
    await this.#within(limits, onTimeout, () => this.#run(round));
    this.#round = undefined;
    return { reduced: memory.reduced(), digest: memory.digest() };
  }

  close(): void {
    const { version } = this.view;
    this.fail(new BerthError('COLLECTIVE_ABORTED', `this member closed view ${version}`));
  }

  /** Ends the session; the first error counts, but other secrets are the reason of all others. */
  fail(cause: BerthError): void {
    if (this.#failure !== undefined) return;
    const error =
      this.#withOtherSecret.length === 0
        ? cause
        : secretsDiffer(this.#options.memberId, this.#withOtherSecret);
    this.#failure = error;
    this.#standing.fail(error);
    this.#round?.fail(error);
    const lastFrame = encodeControl({
      kind: 'leave',
      reason: error.message.slice(0, maxReasonLength),
    });
    for (const { source, connected } of this.#links)
      if (connected) source?.leave(error, lastFrame);
      else source?.fail(error);
    for (const { sink, pact } of this.#links) {
      sink?.fail(error);
      pact.end(error);
    }
    const lost = error.code === 'COLLECTIVE_PEER_LOST' ? error.details['memberId'] : undefined;
    if (typeof lost === 'string') this.#options.onPeerLost(lost, error);
  }

  async #dial(link: HalfLink): Promise<void> {
    const { key, memberId: from, lent, logger } = this.#options;
    const { memberId } = link.member;
    try {
      const source = await dialMember(link.member, {
        self: this.view.members[this.#self]!,
        relay: this.view.relay,
        lent,
        key,
        from,
        purpose: 'join',
        logger,
        onAttempt: (attempt) => {
          link.source = attempt;
        },
        isOver: () => this.#failure !== undefined,
      });
      if (this.#failure !== undefined) return source.fail(this.#failure);
      this.#speak(link, source);
      if (this.#sharesWith(source)) await this.#mapMember(link, source);
      this.#standing.advance();
    } catch (error) {
      const hasOtherSecret = isBerthError(error) && error.code === 'COLLECTIVE_UNAUTHENTICATED';
      if (hasOtherSecret) this.#noteOtherSecret(memberId);
      else this.fail(peerLost(memberId, error));
    }
  }

  #speak(link: HalfLink, source: ByteSource): void {
    const { memberId } = link.member;
    link.connected = true;
    source.socket.once('close', () => this.fail(peerLost(memberId, source.failure)));
    source.socket.write(encodeControl(this.#hello(memberId)));
    const alive = encodeControl({ kind: 'alive' });
    const beat = setInterval(() => source.socket.write(alive), aliveEveryMs);
    source.socket.once('close', () => clearInterval(beat));
  }

  #sharesWith({ isLocal }: { readonly isLocal: boolean }): boolean {
    return isLocal && this.#plan.format >= 6;
  }

  async #mapMember({ index, member, pact }: HalfLink, source: ByteSource): Promise<void> {
    const { memory, logger } = this.#options;
    const why = await pact.ask(source, (place) => memory.openPeer(place, index));
    if (this.#failure !== undefined) pact.end(this.#failure);
    const { memberId } = member;
    if (why === undefined) logger.debug('reads the memory of a member', { memberId });
    else logger.info('cannot read the memory of a member on this machine', { memberId, why });
  }

  #noteOtherSecret(memberId: string): void {
    this.#withOtherSecret.push(memberId);
    const { memberId: self } = this.#options;
    setTimeout(() => this.fail(secretsDiffer(self, this.#withOtherSecret)), otherSecretWaitMs);
  }

  async #run(round: Round): Promise<void> {
    const tasks = round.start();
    try {
      await Promise.all(tasks);
    } catch (error) {
      this.fail(toBerthError(error));
      // None may touch the reduce memory once the caller knows.
      await Promise.allSettled(tasks);
    }
  }

  /** Runs work that the session's failure ends, and makes it fail on the deadline, which may run later on, and on the signal. */
  async #within(
    {
      timeoutMs,
      signal,
      from = Promise.resolve(),
    }: { timeoutMs: number; signal?: AbortSignal | undefined; from?: Promise<void> },
    onTimeout: () => BerthError,
    work: () => Promise<void>,
  ): Promise<void> {
    const abort = (): void => this.fail(aborted(signal?.reason));
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    const startTimer = (): void => {
      if (!isOver) timer = setTimeout(() => this.fail(onTimeout()), timeoutMs);
    };
    // It fails with the session.
    void from.then(startTimer, () => undefined);
    signal?.addEventListener('abort', abort);
    try {
      if (signal?.aborted === true) abort();
      else await work();
    } finally {
      isOver = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #establishedLinks(): PeerLink[] {
    return this.#links.map(({ index, member, source, sink, pact }) => {
      if (source === undefined || sink === undefined) {
        throw new BerthError('INTERNAL', 'allReduce needs a session that joinView has resolved');
      }
      return { index, memberId: member.memberId, source, sink, pact };
    });
  }

  #hello(to: string): JoinMessage {
    const { runId, fencingEpoch, version: viewVersion } = this.view;
    return { kind: 'join', runId, fencingEpoch, viewVersion, from: this.#options.memberId, to };
  }

  #joinTimeout(timeoutMs: number): BerthError {
    const missing = this.#links
      .filter(({ connected, sink, pact }) => !connected || sink === undefined || pact.isOpen)
      .map(({ member }) => member.memberId)
      .join(', ');
    return new BerthError(
      'COLLECTIVE_TIMEOUT',
      `view ${this.view.version} was not joined by ${missing} within ${timeoutMs} ms`,
      { details: { missing, phase: 'connect', viewVersion: this.view.version } },
    );
  }

  #roundTimeout(round: Round, { step, timeoutMs }: ReduceRequest): BerthError {
    const { memberIds, phase } = round.missing();
    const missing = memberIds.join(', ');
    return new BerthError(
      'COLLECTIVE_TIMEOUT',
      `step ${step} of view ${this.view.version} still waits for ${missing || 'this member'} in ${phase} after ${timeoutMs} ms`,
      { details: { missing, phase, step, viewVersion: this.view.version } },
    );
  }
}

/** The loss of a member that is alive: it said so. */
function peerLeft(memberId: string, reason: string): BerthError {
  return new BerthError(
    'COLLECTIVE_PEER_LOST',
    `lost member ${memberId}: left the view: ${reason}`,
    { details: { memberId, left: true } },
  );
}

function aborted(reason: unknown): BerthError {
  return new BerthError('COLLECTIVE_ABORTED', 'the caller stopped the operation', {
    cause: reason,
  });
}
