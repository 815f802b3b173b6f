import type { WireError } from '@berth/contracts';
import {
  MemberProtocol,
  newMemory,
  type Answer,
  type Answers,
  type Ask,
  type MemberEvent,
  type Tell,
} from '../index.ts';
import { Peers } from './peers.ts';
import { Saver } from './saver.ts';
import { SimDevice } from './sim-device.ts';
import { SimHeart } from './sim-heart.ts';
import { SimMemberWork, type SimMemberPorts, type SimRelease } from './sim-member-work.ts';
import { SimProcess } from './sim-process.ts';
import { StateCopies } from './state-copies.ts';
import { storeSpooled } from './store-spooled.ts';
import { flipped } from './toy-model.ts';
import { evalEverySteps, numSteps, simError, type World } from './world.ts';

const viewPollMs = 200;
const leavePollMs = 20;
/** From when it is told to leave until nothing is waited for any more. */
const leaveGraceMs = 22_000;
/** These two are a minute and ten in production: shorter, a run of some seconds meets them, and is not all waiting. */
const settleTimeoutMs = 8_000;
export const stepTimeoutMs = 6_000;

/** A worker process: the member's decisions over simulated ports. */
export class SimMember {
  readonly process: SimProcess;
  readonly #world: World;
  readonly #ports: SimMemberPorts;
  #memory = newMemory();
  #protocol: MemberProtocol;
  #work: SimMemberWork;
  #ask: { readonly ask: Ask; readonly fail: (error: WireError) => void } | undefined;
  readonly #heart: SimHeart;
  #seen = '';
  #isLeaving = false;
  /** Of the run, that the session is for. */
  #attempt: number | undefined;

  constructor(
    world: World,
    memberId: string,
    copies: Map<string, StateCopies>,
    connections: Map<string, Peers>,
    release: SimRelease,
  ) {
    this.#world = world;
    const process = new SimProcess(memberId, world.clock);
    this.process = process;
    const device = new SimDevice(world, process);
    const peers = new Peers(world, process, connections, (error) =>
      this.#happen({ kind: 'peerLost', error }),
    );
    connections.set(memberId, peers);
    const stateCopies = new StateCopies(world, process, copies);
    copies.set(memberId, stateCopies);
    const saver = new Saver(world, process, (view, error) =>
      this.#happen({ kind: 'diverged', view, error }),
    );
    const rules = {
      memberId,
      seed: 1,
      numSteps,
      milestones: [],
      // Where votes compare nothing, saves must not find it first.
      checkpointEverySteps: world.sabotage === 'no-slice' ? numSteps : 5,
      checkpointEveryMs: 0,
      evalEverySteps,
      settleTimeoutMs,
      stepTimeoutMs,
    };
    this.#ports = { world, process, device, peers, copies: stateCopies, saver, release, rules };
    this.#protocol = new MemberProtocol(rules, this.#memory);
    this.#work = new SimMemberWork(this.#ports, this.#memory);
    this.#heart = new SimHeart(world, process, release, () => device.unansweredMs);
    this.process.after(world.random.between(50, 300), () => this.#open());
  }

  /** Whether its weights are not those of the undisturbed run. */
  get isDamaged(): boolean {
    const { appliedStep } = this.#memory;
    return appliedStep >= 0 && this.#work.weights !== this.#world.reference.weights[appliedStep];
  }

  /** Whether both work in the same view and hold the same, and this one is not about to end. */
  holdsSameAs(other: SimMember): boolean {
    const { appliedStep } = this.#memory;
    const [ours, theirs] = [this.#protocol, other.#protocol];
    return (
      appliedStep >= 0 &&
      !this.process.isPaused &&
      !this.#isLeaving &&
      !this.#ports.device.isHung &&
      ours.asked !== undefined &&
      theirs.asked !== undefined &&
      ours.view?.version === theirs.view?.version &&
      appliedStep === other.#memory.appliedStep &&
      this.#work.weights === other.#work.weights
    );
  }

  /** Flips a bit of its weights, unless that of another is flipped so already: of two that are damaged alike nobody could tell. */
  flipState(members: readonly SimMember[]): void {
    const { weights } = this.#work;
    if (weights === undefined) return;
    const damaged = flipped(weights, this.#world.random.next());
    if (members.some((member) => member.#work.weights === damaged)) return;
    const { appliedStep } = this.#memory;
    this.#work.weights = damaged;
    this.#world.invariants.damaged(appliedStep);
    this.#world.trace.note(this.process.name, `a bit of its state flips at step ${appliedStep}`);
  }

  kill(): void {
    this.process.kill();
    this.#world.dead.add(this.process.name);
    this.#ports.peers.leave({ isInOrder: false });
    this.#world.viewHints.delete(this.#pollSoon);
  }

  /** The next call to the engine is never answered, though heartbeats go on; then the watchdog ends the process. */
  hang(onEnd: () => void): void {
    this.#ports.device.hang(() => {
      this.kill();
      onEnd();
    });
  }

  /** As on SIGTERM: says that it leaves, takes part in no other step, saves it where nobody goes on with it, and is gone. */
  leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#heart.tell({ drain: { reason: 'SIGTERM' } });
    this.#happen({ kind: 'leave' });
    this.#endOnceLeft(this.#world.clock.nowMs + leaveGraceMs);
  }

  #endOnceLeft(deadlineMs: number): void {
    if (!this.#protocol.hasLeft && this.#world.clock.nowMs < deadlineMs) {
      this.process.after(leavePollMs, () => this.#endOnceLeft(deadlineMs));
      return;
    }
    this.#heart.note({ state: 'draining' });
    const end = (): void => this.kill();
    this.#world.call(this.process, (redis) => redis.members.leave(this.process.name), end, end);
  }

  /** What an earlier process has left is stored before this one counts as ready. */
  #open(): void {
    storeSpooled(this.#world, this.process, this.#ports.saver, () => {
      this.#heart.tell({ state: this.#isLeaving ? 'draining' : 'idle' });
      this.#world.viewHints.add(this.#pollSoon);
      this.#watch();
    });
  }

  /** A session is for one attempt of the run; the next begins with nothing. */
  #reopen(attempt: number): void {
    this.#world.trace.note(this.process.name, `attempt ${attempt} has begun`);
    this.#attempt = attempt;
    this.#ask = undefined;
    // Who goes back without a fence is covered by members that remember the view they left.
    const forgets = this.#world.sabotage === 'no-go-back-fence';
    this.#memory = newMemory(forgets ? undefined : this.#memory.newestView);
    this.#memory.isLeaving = this.#isLeaving;
    this.#protocol = new MemberProtocol(this.#ports.rules, this.#memory);
    this.#work.end();
    this.#work = new SimMemberWork(this.#ports, this.#memory);
    this.#seen = '';
    this.#ports.copies.withdraw();
    this.#ports.saver.close();
    this.#ports.peers.leave({ isInOrder: true });
    this.#heart.tell({ state: 'syncing', step: -1, complaint: null });
    this.process.after(this.#world.random.between(50, 300), () => {
      this.#heart.tell({ state: this.#isLeaving ? 'draining' : 'idle' });
    });
  }

  readonly #pollSoon = (): void => this.process.after(1, () => this.#poll());

  #watch(): void {
    this.#poll();
    this.process.after(viewPollMs, () => this.#watch());
  }

  #poll(): void {
    this.#world.call(
      this.process,
      (redis) => ({ view: redis.view, attempt: redis.attempt }),
      ({ view, attempt }) => {
        if (this.#heart.state === 'syncing') return;
        this.#attempt ??= attempt;
        if (attempt !== this.#attempt) {
          this.#reopen(attempt);
          return;
        }
        const name = view === undefined ? this.#seen : `${view.fencingEpoch}.${view.version}`;
        if (view !== undefined && name !== this.#seen) {
          this.#heart.sees(view);
          this.#happen({ kind: 'view', view });
        }
        this.#seen = name;
      },
      () => undefined,
    );
  }

  #happen(event: MemberEvent): void {
    const { clock, trace, sabotage } = this.#world;
    const memory = this.#memory;
    if (sabotage === 'heal-only') memory.agreedStep = memory.appliedStep;
    if (sabotage === 'no-older-views' && event.kind === 'view') memory.newestView = undefined;
    const decision = this.#protocol.decide(clock.nowMs, event);
    trace.note(this.process.name, decision.reason);
    for (const tell of decision.tells) this.#tell(tell);
    if (decision.ask !== undefined) this.#carryOut(decision.ask);
  }

  #tell(tell: Tell): void {
    switch (tell.kind) {
      case 'abort':
        this.#abort(tell.reason);
        return;
      case 'leave':
        this.#ports.peers.leave({ isInOrder: true });
        return;
      case 'status':
        if (tell.state === 'training')
          this.#heart.note({ state: tell.state, complaint: tell.complaint });
        else this.#heart.tell({ state: tell.state, complaint: tell.complaint });
        return;
      case 'appliedStep':
        this.#heart.note({ step: tell.step });
        if (tell.step >= 0)
          this.#world.invariants.checkWeights(this.process.name, tell.step, this.#work.weights);
        return;
      case 'report':
      case 'unsaved':
        return;
    }
  }

  /** Ends what may take long; the rest ends by itself. */
  #abort(reason: string): void {
    const asked = this.#ask;
    if (asked === undefined) return;
    switch (asked.ask.kind) {
      case 'join':
      case 'reduce':
      case 'compute':
      case 'readExamples':
      case 'fetchCheckpoint':
      case 'fetchState':
      case 'findCheckpoint':
      case 'finishSaves':
      case 'evaluate':
      case 'wait':
        this.process.after(0, () => asked.fail(simError('COLLECTIVE_ABORTED', reason)));
        return;
      default:
    }
  }

  #carryOut(ask: Ask): void {
    const answerOnce = (event: () => MemberEvent): void => {
      if (this.#ask !== asked) return;
      this.#ask = undefined;
      this.#happen(event());
    };
    const fail = (error: WireError): void => answerOnce(() => ({ kind: 'failed', error }));
    const asked = { ask, fail };
    this.#ask = asked;
    const done = (value: Answers[Ask['kind']]): void =>
      answerOnce(() => ({ kind: 'answered', answer: { to: ask.kind, value } as Answer }));
    this.#work.perform(ask, done, fail);
  }
}
