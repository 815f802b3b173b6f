import type { Contribution } from '@berth/collectives';
import type { Cursor, StepSums, WireError } from '@berth/contracts';
import type { Answers, Ask, MemberRules, Memory } from '../index.ts';
import { firstExamples } from './first-examples.ts';
import { findCheckpoint } from './find-checkpoint.ts';
import { beginWeights } from './begin-weights.ts';
import type { Peers } from './peers.ts';
import { reportEvaluation } from './report-evaluation.ts';
import type { Saver } from './saver.ts';
import type { SimDevice } from './sim-device.ts';
import type { SimProcess } from './sim-process.ts';
import type { StateCopies } from './state-copies.ts';
import {
  blockGradient,
  cursorAfter,
  globalBatch,
  stateSlice,
  updated,
  type Weights,
} from './toy-model.ts';
import { simError, type World } from './world.ts';

type AskOf<K extends Ask['kind']> = Extract<Ask, { kind: K }>;

const sums: StepSums = { loss: 1 };

/** Whether the release of berth that a worker runs gives the run's bits. */
export type SimRelease = 'same bits' | 'other bits';

/** What a member's work is done with. */
export interface SimMemberPorts {
  readonly world: World;
  readonly process: SimProcess;
  readonly device: SimDevice;
  readonly peers: Peers;
  readonly copies: StateCopies;
  readonly saver: Saver;
  readonly release: SimRelease;
  readonly rules: MemberRules;
}

/** Does what a member is asked to do, as `MemberWork` of libs/training does it, with a toy model. */
export class SimMemberWork {
  /** What is in the engine. */
  weights: Weights | undefined;
  readonly #ports: SimMemberPorts;
  readonly #memory: Memory;
  #isOver = false;
  #fetched: Weights | undefined;
  /** Where the examples of the step read last begin. */
  #from: Cursor = { epoch: 0, index: 0 };
  #lastStep: number | undefined;
  #blocks: readonly Contribution[] = [];
  #isLone = false;
  /** The gradient reduced last, until another one is computed over it. */
  #reduced: string | undefined;

  constructor(ports: SimMemberPorts, memory: Memory) {
    this.#ports = ports;
    this.#memory = memory;
  }

  /** What was begun ends without effect. */
  end(): void {
    this.#isOver = true;
  }

  perform(
    ask: Ask,
    done: (value: Answers[Ask['kind']]) => void,
    fail: (error: WireError) => void,
  ): void {
    const { world, process, device, peers, copies, saver, rules } = this.#ports;
    const { random } = world;
    const ended = (): void => done(undefined);
    const engine = (ms: number, work: () => void): void =>
      device.call(ms, () => {
        if (this.#isOver) return;
        work();
        ended();
      });
    switch (ask.kind) {
      case 'join':
        peers.join(ask.view, rules.settleTimeoutMs, ended, fail);
        return;
      case 'readEntry':
        world.call(process, (redis) => redis.ledger[ask.step], done, fail);
        return;
      case 'digestState': {
        const isBlind = world.sabotage === 'no-settle-compare';
        const digest = isBlind ? '' : (this.weights ?? '');
        process.after(random.between(1, 5), () => done(digest));
        return;
      }
      case 'postValue':
        world.call(process, (redis) => redis.post(ask.key, process.name, ask.value), done, fail);
        return;
      case 'readValues':
        world.call(process, (redis) => redis.read(ask.key), done, fail);
        return;
      case 'findCheckpoint':
        findCheckpoint(world, process, ask, done, fail);
        return;
      case 'fetchCheckpoint':
        this.#fetchCheckpoint(ask, ended, fail);
        return;
      case 'fetchState': {
        const copied = (weights: Weights): void => {
          this.#fetched = weights;
          ended();
        };
        copies.copy(ask, rules.settleTimeoutMs, copied, fail);
        return;
      }
      case 'snapshot':
        copies.withdraw();
        engine(30, () => copies.offer(ask.view, ask.step, this.weights ?? ''));
        return;
      case 'load':
        this.#load(ask, ended, fail);
        return;
      case 'initialize':
        world.invariants.checkInitialization(process.name);
        beginWeights(world, process, fail, (weights) => engine(20, () => (this.weights = weights)));
        return;
      case 'readExamples': {
        world.invariants.checkBeginning(process.name, ask.step);
        const from = firstExamples(world, ask, this.#lastStep);
        this.#from = from;
        this.#lastStep = ask.step;
        const to = cursorAfter(from);
        process.after(random.between(1, 3), () => done({ from, to, numExamples: globalBatch }));
        return;
      }
      case 'compute':
        this.#compute(ask);
        engine(world.computeMs, () => undefined);
        return;
      case 'reduce':
        this.#reduce(ask, done, fail);
        return;
      case 'vote':
        this.#vote(ask, done, fail);
        return;
      case 'apply':
        engine(10, () => (this.weights = updated(this.weights ?? '', this.#reduced ?? '')));
        return;
      case 'save': {
        const { view, cursor } = ask;
        const weights = this.weights ?? '';
        const { attempt } = world.redis;
        const { appliedStep: step } = this.#memory;
        engine(10, () => saver.save({ view, attempt, cursor, step, weights }));
        return;
      }
      case 'finishSaves':
        saver.settled(ended, fail);
        return;
      case 'evaluate': {
        const weights = this.weights ?? '';
        const session = { step: ask.step, weights, isOver: () => this.#isOver };
        device.begin(() => reportEvaluation(world, process, session, ended));
        return;
      }
      case 'wait':
        process.after(ask.ms, ended);
    }
  }

  #fetchCheckpoint(
    { step }: AskOf<'fetchCheckpoint'>,
    done: () => void,
    fail: (error: WireError) => void,
  ): void {
    const { world, process } = this.#ports;
    world.storeCall(
      process,
      (store) => {
        const found = store.newestValid(world.redis.record.attempts, step);
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

  #load({ digest }: AskOf<'load'>, done: () => void, fail: (error: WireError) => void): void {
    const { world, process } = this.#ports;
    process.after(world.random.between(10, 20), () => {
      if (this.#isOver) return;
      this.weights = this.#fetched;
      // Without its own fence a mixture of states is noticed here; the test of that fence wants to see the mixture.
      const isBlind = world.sabotage === 'no-state-fence';
      if (digest === undefined || digest === this.weights || isBlind) done();
      else fail(simError('COLLECTIVE_PROTOCOL', 'what was loaded is not what was given'));
    });
  }

  #compute({ blocks, isLone }: AskOf<'compute'>): void {
    this.#reduced = undefined;
    this.#isLone = isLone;
    this.#blocks = blocks.map((block) => blockGradient(this.weights ?? '', this.#from, block));
    if (this.#ports.release === 'other bits') for (const { data } of this.#blocks) data[0]! += 1;
  }

  #reduce(
    { step }: AskOf<'reduce'>,
    done: (value: Answers['reduce']) => void,
    fail: (error: WireError) => void,
  ): void {
    const { world, peers, rules } = this.#ports;
    const reduced = (digest: string): void => {
      if (step === world.notFiniteStep && world.sabotage !== 'no-finite-check') {
        fail(simError('NUMERICS_NOT_FINITE', `step ${step}: gradient norm NaN`));
        return;
      }
      this.#reduced = digest;
      const isCompared = !this.#isLone && world.sabotage !== 'no-slice';
      const stateDigest = isCompared ? stateSlice(this.weights ?? '', step) : '';
      done({ digest, sums, stateDigest });
    };
    peers.reduce(step, this.#blocks, rules.stepTimeoutMs, reduced, fail);
  }

  #vote(
    { view, facts, stateDigest }: AskOf<'vote'>,
    done: (value: Answers['vote']) => void,
    fail: (error: WireError) => void,
  ): void {
    const { world, process } = this.#ports;
    const vote = (redis: World['redis'], nowMs: number): Answers['vote'] => {
      const verdict = redis.vote(nowMs, view, process.name, facts, sums, stateDigest);
      if (verdict.kind === 'replayed') world.numReplays++;
      if (verdict.kind === 'waiting') world.invariants.checkVote(process.name, view);
      return verdict;
    };
    world.call(process, vote, done, fail);
  }
}
