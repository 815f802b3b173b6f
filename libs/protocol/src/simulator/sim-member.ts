import type { Contribution } from '@berth/collectives';
import { stepSumNames, type StepSums, type WireError } from '@berth/contracts';
import {
  MemberProtocol,
  newMemory,
  type Answer,
  type Answers,
  type Ask,
  type MemberEvent,
  type MemberRules,
  type Tell,
} from '../index.ts';
import { findCheckpoint } from './find-checkpoint.ts';
import { Peers } from './peers.ts';
import { reportEvaluation } from './report-evaluation.ts';
import { Saver } from './saver.ts';
import { SimHeart } from './sim-heart.ts';
import { SimProcess } from './sim-process.ts';
import { StateCopies } from './state-copies.ts';
import {
  blockGradient,
  cursorAt,
  flipped,
  globalBatch,
  initialWeights,
  stateSlice,
  updated,
  type Weights,
} from './toy-model.ts';
import { evalEverySteps, numSteps, simError, type World } from './world.ts';

const viewLookMs = 200;
const leaveLookMs = 20;
/** These two are a minute and ten in production: shorter, a run of some seconds meets them, and is not all waiting. */
const settleTimeoutMs = 8_000;
export const stepTimeoutMs = 6_000;
/** Of a call to the engine: half of the step's, as the real one is at most all of it. */
const callTimeoutMs = 3_000;

const sums = Object.fromEntries(stepSumNames.map((name) => [name, 1])) as StepSums;

/** Whether the release of berth that a worker runs gives the run's bits. */
export type SimRelease = 'same bits' | 'other bits';

/** A worker process: the member's decisions over simulated ports. */
export class SimMember {
  readonly process: SimProcess;
  readonly #world: World;
  readonly #copies: StateCopies;
  readonly #peers: Peers;
  readonly #saver: Saver;
  readonly #rules: MemberRules;
  readonly #release: SimRelease;
  #memory = newMemory();
  #protocol: MemberProtocol;
  /** What is in the engine. */
  #weights: Weights | undefined;
  #fetched: Weights | undefined;
  #blocks: readonly Contribution[] = [];
  /** The gradient reduced last, until another one is computed over it. */
  #reduced: string | undefined;
  #ask: { readonly ask: Ask; readonly fail: (error: WireError) => void } | undefined;
  readonly #heart: SimHeart;
  #seen = '';
  #isLeaving = false;
  /** Called when the watchdog has ended the process; set while the device hangs. */
  #onHungEnd: (() => void) | undefined;
  #hungSinceMs: number | undefined;
  /** Of the run, that the session is for. */
  #attempt: number | undefined;
  /** What was begun in an earlier session ends without effect. */
  #session = 0;

  constructor(
    world: World,
    memberId: string,
    copies: Map<string, StateCopies>,
    connections: Map<string, Peers>,
    release: SimRelease,
  ) {
    this.#world = world;
    this.#release = release;
    this.process = new SimProcess(memberId, world.clock);
    this.#peers = new Peers(world, this.process, connections, (error) =>
      this.#happen({ kind: 'peerLost', error }),
    );
    connections.set(memberId, this.#peers);
    this.#copies = new StateCopies(world, this.process, copies);
    copies.set(memberId, this.#copies);
    this.#saver = new Saver(world, this.process, (view, error) =>
      this.#happen({ kind: 'diverged', view, error }),
    );
    this.#rules = {
      memberId,
      seed: 1,
      numSteps,
      // Where votes compare nothing, saves must not find it first.
      checkpointEverySteps: world.sabotage === 'no-slice' ? numSteps : 5,
      evalEverySteps,
      settleTimeoutMs,
      stepTimeoutMs,
    };
    this.#protocol = new MemberProtocol(this.#rules, this.#memory);
    this.#heart = new SimHeart(world, this.process, release, () => {
      const since = this.#hungSinceMs;
      return since === undefined ? undefined : world.clock.nowMs - since;
    });
    this.process.after(world.random.between(50, 300), () => this.#open());
  }

  /** Whether its weights are not those of the undisturbed run. */
  get isDamaged(): boolean {
    const { appliedStep } = this.#memory;
    return appliedStep >= 0 && this.#weights !== this.#world.reference.weights[appliedStep];
  }

  /** Whether both work in the same view and hold the same, and this one is not about to end. */
  holdsSameAs(other: SimMember): boolean {
    const { appliedStep } = this.#memory;
    const [ours, theirs] = [this.#protocol, other.#protocol];
    return (
      appliedStep >= 0 &&
      !this.process.isPaused &&
      !this.#isLeaving &&
      this.#onHungEnd === undefined &&
      ours.asked !== undefined &&
      theirs.asked !== undefined &&
      ours.view?.version === theirs.view?.version &&
      appliedStep === other.#memory.appliedStep &&
      this.#weights === other.#weights
    );
  }

  /** Flips a bit of its weights. */
  flipState(): void {
    if (this.#weights === undefined) return;
    const { appliedStep } = this.#memory;
    this.#weights = flipped(this.#weights, this.#world.random.next());
    this.#world.invariants.damaged();
    this.#world.trace.note(this.process.name, `a bit of its state flips at step ${appliedStep}`);
  }

  kill(): void {
    this.process.kill();
    this.#world.dead.add(this.process.name);
    this.#peers.leave({ isInOrder: false });
    this.#world.viewHints.delete(this.#lookSoon);
  }

  /** The next call to the engine is never answered, though heartbeats go on; then the watchdog ends the process. */
  hang(onEnd: () => void): void {
    this.#onHungEnd = onEnd;
  }

  /** As on SIGTERM: takes part in no other step, says that it leaves, and is gone. */
  leave(): void {
    this.#isLeaving = true;
    this.#happen({ kind: 'leave' });
    this.#goOnceIdle();
  }

  #goOnceIdle(): void {
    if (this.#protocol.asked !== undefined) {
      this.process.after(leaveLookMs, () => this.#goOnceIdle());
      return;
    }
    this.#heart.note({ state: 'draining' });
    const end = (): void => this.kill();
    this.#world.call(this.process, (redis) => redis.leave(this.process.name), end, end);
  }

  #open(): void {
    this.#heart.tell({ state: this.#isLeaving ? 'draining' : 'idle' });
    this.#world.viewHints.add(this.#lookSoon);
    this.#watch();
  }

  /** A session is for one attempt of the run; the next begins with nothing. */
  #reopen(attempt: number): void {
    this.#world.trace.note(this.process.name, `attempt ${attempt} has begun`);
    this.#session++;
    this.#attempt = attempt;
    this.#ask = undefined;
    // Who goes back without a fence is covered by members that remember the view they left.
    const forgets = this.#world.sabotage === 'no-go-back-fence';
    this.#memory = newMemory(forgets ? undefined : this.#memory.newestView);
    this.#memory.isLeaving = this.#isLeaving;
    this.#protocol = new MemberProtocol(this.#rules, this.#memory);
    this.#weights = undefined;
    this.#seen = '';
    this.#copies.withdraw();
    this.#peers.leave({ isInOrder: true });
    this.#heart.tell({ state: 'syncing', step: -1, complaint: null });
    this.process.after(this.#world.random.between(50, 300), () => {
      this.#heart.tell({ state: this.#isLeaving ? 'draining' : 'idle' });
    });
  }

  readonly #lookSoon = (): void => this.process.after(1, () => this.#look());

  #watch(): void {
    this.#look();
    this.process.after(viewLookMs, () => this.#watch());
  }

  #look(): void {
    this.#world.call(
      this.process,
      (redis) => ({ view: redis.view, attempt: redis.record.attempt }),
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
        this.#peers.leave({ isInOrder: true });
        return;
      case 'status':
        if (tell.state === 'training')
          this.#heart.note({ state: tell.state, complaint: tell.complaint });
        else this.#heart.tell({ state: tell.state, complaint: tell.complaint });
        return;
      case 'held':
        this.#heart.note({ step: tell.step });
        if (tell.step >= 0)
          this.#world.invariants.checkWeights(this.process.name, tell.step, this.#weights);
        return;
      case 'report':
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
    this.#perform(ask, done, fail);
  }

  #perform(
    ask: Ask,
    done: (value: Answers[Ask['kind']]) => void,
    fail: (error: WireError) => void,
  ): void {
    const world = this.#world;
    const { process } = this;
    const { random } = world;
    const session = this.#session;
    const engine = (ms: number, work: () => void): void => {
      if (this.#onHungEnd !== undefined) return this.#stayHung(this.#onHungEnd);
      process.after(random.between(ms / 2, ms), () => {
        if (session !== this.#session) return;
        work();
        done(undefined);
      });
    };
    switch (ask.kind) {
      case 'join':
        this.#peers.join(ask.view, settleTimeoutMs, () => done(undefined), fail);
        return;
      case 'readEntry':
        world.call(process, (redis) => redis.ledger[ask.step], done, fail);
        return;
      case 'digestState': {
        const isBlind = world.sabotage === 'no-settle-compare';
        const digest = isBlind ? '' : (this.#weights ?? '');
        process.after(random.between(1, 5), () => done(digest));
        return;
      }
      case 'postWord':
        world.call(process, (redis) => redis.post(ask.topic, process.name, ask.word), done, fail);
        return;
      case 'readWords':
        world.call(process, (redis) => redis.read(ask.topic), done, fail);
        return;
      case 'findCheckpoint':
        findCheckpoint(world, process, ask.maxStep, done, fail);
        return;
      case 'fetchCheckpoint':
        this.#fetchCheckpoint(ask.step, done, fail);
        return;
      case 'fetchState':
        this.#copies.copy(
          ask,
          settleTimeoutMs,
          (weights) => {
            this.#fetched = weights;
            done(undefined);
          },
          fail,
        );
        return;
      case 'snapshot':
        this.#copies.withdraw();
        engine(30, () => this.#copies.offer(ask.view, ask.step, this.#weights ?? ''));
        return;
      case 'load':
        this.#load(ask, done, fail);
        return;
      case 'initialize':
        world.invariants.checkInitialization(process.name);
        engine(20, () => (this.#weights = initialWeights));
        return;
      case 'readExamples': {
        const from = ask.cursor;
        const to = cursorAt(this.#memory.appliedStep + 1);
        process.after(random.between(1, 3), () => done({ from, to, numExamples: globalBatch }));
        return;
      }
      case 'compute':
        this.#reduced = undefined;
        this.#compute(ask);
        engine(world.computeMs, () => undefined);
        return;
      case 'reduce':
        this.#reduce(ask.step, done, fail);
        return;
      case 'vote': {
        const { view, facts, stateDigest } = ask;
        const vote = (redis: typeof world.redis, nowMs: number): Answers['vote'] => {
          const verdict = redis.vote(nowMs, view, process.name, facts, sums, stateDigest);
          if (verdict.kind === 'waiting') world.invariants.checkVote(process.name, view);
          return verdict;
        };
        world.call(process, vote, done, fail);
        return;
      }
      case 'apply':
        engine(10, () => (this.#weights = updated(this.#weights ?? '', this.#reduced ?? '')));
        return;
      case 'save': {
        const { view, cursor } = ask;
        const weights = this.#weights ?? '';
        const { attempt } = world.redis.record;
        engine(10, () =>
          this.#saver.save({ view, attempt, cursor, step: this.#memory.appliedStep, weights }),
        );
        return;
      }
      case 'finishSaves':
        this.#saver.settled(() => done(undefined), fail);
        return;
      case 'evaluate':
        if (this.#onHungEnd !== undefined) return this.#stayHung(this.#onHungEnd);
        reportEvaluation(
          world,
          process,
          {
            step: ask.step,
            weights: this.#weights ?? '',
            isOver: () => session !== this.#session,
          },
          () => done(undefined),
        );
        return;
      case 'wait':
        process.after(ask.ms, () => done(undefined));
    }
  }

  #stayHung(onEnd: () => void): void {
    if (this.#hungSinceMs !== undefined) return;
    this.#hungSinceMs = this.#world.clock.nowMs;
    this.#world.trace.note(this.process.name, 'the device hangs');
    if (this.#world.sabotage === 'no-watchdog') return;
    this.process.after(callTimeoutMs, () => {
      this.kill();
      onEnd();
    });
  }

  #load(
    { digest }: Extract<Ask, { kind: 'load' }>,
    done: (value: void) => void,
    fail: (error: WireError) => void,
  ): void {
    const session = this.#session;
    this.process.after(this.#world.random.between(10, 20), () => {
      if (session !== this.#session) return;
      this.#weights = this.#fetched;
      // Without its own fence a mixture of states is noticed here; the test of that fence wants to see the mixture.
      const isBlind = this.#world.sabotage === 'no-state-fence';
      if (digest === undefined || digest === this.#weights || isBlind) done();
      else fail(simError('COLLECTIVE_PROTOCOL', 'what was loaded is not what was given'));
    });
  }

  #compute({ blocks }: Extract<Ask, { kind: 'compute' }>): void {
    const { cursor } = this.#memory;
    this.#blocks = blocks.map((block) => blockGradient(this.#weights ?? '', cursor, block));
    if (this.#release === 'other bits') for (const { data } of this.#blocks) data[0]! += 1;
  }

  #reduce(
    step: number,
    done: (value: Answers['reduce']) => void,
    fail: (error: WireError) => void,
  ): void {
    const reduced = (digest: string): void => {
      const { notFiniteStep, sabotage } = this.#world;
      if (step === notFiniteStep && sabotage !== 'no-finite-check') {
        fail(simError('NUMERICS_NOT_FINITE', `step ${step}: gradient norm NaN`));
        return;
      }
      this.#reduced = digest;
      done({ digest, sums, stateDigest: this.#sliceFor(step) });
    };
    this.#peers.reduce(step, this.#blocks, stepTimeoutMs, reduced, fail);
  }

  #sliceFor(step: number): string {
    const isLone = this.#protocol.view?.members.length === 1;
    if (this.#world.sabotage === 'no-slice') return '';
    return isLone || this.#weights === undefined ? '' : stateSlice(this.#weights, step);
  }

  #fetchCheckpoint(
    step: number,
    done: (value: void) => void,
    fail: (error: WireError) => void,
  ): void {
    this.#world.storeCall(
      this.process,
      (store) => {
        const { attempts } = this.#world.redis.record;
        const found = store.newestValid(attempts, step);
        return found?.step === step ? store.load(found) : undefined;
      },
      (weights) => {
        this.#fetched = weights;
        if (weights === undefined) fail(simError('STORE_NOT_FOUND', `no checkpoint ${step}`));
        else done();
      },
      fail,
    );
  }
}
