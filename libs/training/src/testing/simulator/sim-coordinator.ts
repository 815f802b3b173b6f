import { assignBlocks } from '@berth/collectives';
import type { WireError } from '@berth/contracts';
import { decideLease, type Holding, type LeaseAnswer } from '@berth/queue';
import {
  decideRun,
  newRunMemory,
  type RunDecision,
  type RunMemory,
  type RunRules,
  type RunSight,
} from '../../protocol/index.ts';
import type { RedisModel } from './redis-model.ts';
import { SimProcess } from './sim-process.ts';
import type { StoreModel } from './store-model.ts';
import { numSteps, runId, simError, virtualRanks, type World } from './world.ts';

const leaseTtlMs = 1_500;
const tickMs = 100;
const afterNewsMs = 30;
const outageGraceMs = 1_200;
const memberTtlMs = 1_000;
const afterErrorMs = 200;
const trustedAnswerMs = 500;

const rules: RunRules = {
  numSteps,
  virtualRanks,
  minWorkers: 1,
  wantedWorkers: 2,
  joinTimeoutMs: 5_000,
  lostGraceMs: 30,
  complaintGraceMs: 1_200,
  patientAttempts: 3,
  maxAttemptsPerStep: 1_000,
};

/** What a coordinator does between two waits: each `yield` is a call that is answered later, or fails. */
type Script = Generator<Call, void, unknown>;
type Call = (done: (result: unknown) => void, failed: (error: WireError) => void) => void;

/** One time of holding the lease; nothing remembered about Redis outlives it. */
interface Term {
  readonly fencingEpoch: number;
  isRestored: boolean;
  memory: RunMemory;
}

/** A coordinator process: the lease, and one look after the other as `controller.ts` and `run-supervisor.ts` take them. */
export class SimCoordinator {
  readonly process: SimProcess;
  readonly #world: World;
  #holding: Holding = { epoch: undefined, renewedMs: -Infinity };
  #newestEpoch = 0;
  #term: Term | undefined;
  #isAfterOutage = false;
  #lenientUntilMs = -Infinity;

  constructor(world: World, name: string) {
    this.#world = world;
    this.process = new SimProcess(name, world.clock);
    this.#renew();
    this.#tick();
  }

  #renew(): void {
    const { clock, trace } = this.#world;
    const sentMs = clock.nowMs;
    this.#newestEpoch = Math.max(this.#newestEpoch, this.#holding.epoch ?? 0);
    const decide = (answer: LeaseAnswer | 'unreachable'): void => {
      const times = { sentMs, nowMs: clock.nowMs, ttlMs: leaseTtlMs };
      const decision = decideLease(this.#holding, answer, times);
      this.#holding = decision.holding;
      if (decision.event !== 'none') trace.note(this.process.name, `lease: ${decision.reason}`);
      this.process.after(leaseTtlMs / 3, () => this.#renew());
    };
    this.#world.call(
      this.process,
      (redis, nowMs) => redis.acquireLease(nowMs, this.process.name, leaseTtlMs, this.#newestEpoch),
      decide,
      () => decide('unreachable'),
    );
  }

  /** Looks again after a while, or soon after news of a member. */
  #tick(): void {
    let isDue = true;
    const look = (): void => {
      if (!isDue) return;
      isDue = false;
      this.#world.memberHints.delete(lookSoon);
      this.#run(this.#look(), (error) => this.#looked(error));
    };
    const lookSoon = (): void => this.process.after(afterNewsMs, look);
    this.#world.memberHints.add(lookSoon);
    this.process.after(tickMs, look);
  }

  #looked(error: WireError | undefined): void {
    if (error === undefined) {
      this.#tick();
      return;
    }
    this.#world.trace.note(this.process.name, `delayed: ${error.message}`);
    this.#isAfterOutage = error.code === 'QUEUE_UNREACHABLE';
    if (error.code === 'QUEUE_STALE_EPOCH')
      this.#newestEpoch = Math.max(this.#newestEpoch, Number(error.details['newest']));
    this.process.after(afterErrorMs, () => this.#tick());
  }

  *#look(): Script {
    if (this.#isAfterOutage) {
      yield this.#redis((redis) => redis.status);
      this.#lenientUntilMs = this.#world.clock.nowMs + outageGraceMs;
      this.#isAfterOutage = false;
    }
    const fencingEpoch = this.#holding.epoch;
    if (fencingEpoch === undefined) return;
    if (this.#term?.fencingEpoch !== fencingEpoch) {
      const archived = (yield this.#store((store) => store.archivedStatus)) as string | undefined;
      if (archived !== undefined)
        yield this.#redis((redis) => redis.updateStatus(undefined, archived));
      const memory = newRunMemory(this.#world.clock.nowMs);
      this.#term = { fencingEpoch, isRestored: false, memory };
    }
    const status = (yield this.#redis((redis) => redis.status)) as RunSight['status'] | undefined;
    if (status === undefined || !isActive(status)) return;
    yield this.#store((store) => (store.archivedStatus = status));
    yield* this.#restore(this.#term);
    yield* this.#supervise(this.#term, status);
  }

  /** After a total loss of Redis the ledger comes back from the newest checkpoint. */
  *#restore(term: Term): Script {
    if (term.isRestored) return;
    const manifest = (yield this.#store((store) => store.newestValid())) as ReturnType<
      StoreModel['newestValid']
    >;
    if (manifest !== undefined) {
      const { step, entries } = manifest;
      const numCommitted = (yield this.#redis((redis) => redis.ledger.length)) as number;
      if (numCommitted < step) {
        const result = (yield this.#redis((redis) =>
          redis.restore(entries, term.fencingEpoch),
        )) as ReturnType<RedisModel['restore']>;
        this.#world.trace.note(this.process.name, `restore of ${step} steps: ${result.kind}`);
        if (result.kind === 'stale') throw stale(result.newest);
        if (result.kind !== 'restored')
          throw new Error(`I6: the ledger cannot be restored: ${result.kind}`);
        this.#world.invariants.restored(step);
      }
      yield this.#redis((redis) => redis.noteCheckpoint(step));
    }
    term.isRestored = true;
  }

  *#supervise(term: Term, status: RunSight['status']): Script {
    const numCommitted = (yield this.#redis((redis) => redis.ledger.length)) as number;
    const sight: RunSight = {
      runId,
      status,
      wantsCheckpoint: false,
      numerics: undefined,
      numCommitted,
      isSaved: (yield this.#redis((redis) => redis.hasCheckpoint(numCommitted))) as boolean,
      isEvaluated: (yield this.#redis((redis) => redis.hasEvaluation(numSteps))) as boolean,
      view: (yield this.#redis((redis) => redis.view)) as RunSight['view'],
      live: yield* this.#liveMembers(),
    };
    const decision = decideRun(this.#world.clock.nowMs, term.memory, sight, rules);
    term.memory = decision.memory;
    if (decision.kind !== 'keep') this.#world.trace.note(this.process.name, decision.reason);
    switch (decision.kind) {
      case 'publish':
        yield* this.#publish(term, sight, decision);
        return;
      case 'end':
        yield this.#change(status, decision.status);
        return;
      case 'fail':
        this.#world.failure = decision.error;
        yield this.#change(status, 'failed');
        return;
      case 'keep':
        if (status !== 'stopping') yield this.#change(status, 'running');
        return;
      case 'wait':
        if (status === 'running') yield this.#change(status, 'recovering');
    }
  }

  /** Silence proves nothing after an outage, nor when Redis stood still. */
  *#liveMembers(): Generator<Call, RunSight['live'], unknown> {
    const { clock } = this.#world;
    const askedMs = clock.nowMs;
    const ttlMs = askedMs < this.#lenientUntilMs ? Infinity : memberTtlMs;
    const live = (yield this.#redis((redis, nowMs) =>
      redis.list(nowMs, ttlMs),
    )) as RunSight['live'];
    if (clock.nowMs - askedMs > trustedAnswerMs)
      throw simError('QUEUE_UNREACHABLE', 'Redis took long to answer');
    return live;
  }

  *#publish(
    { fencingEpoch }: Term,
    { view: before }: RunSight,
    { members, mode, reason }: Extract<RunDecision, { kind: 'publish' }>,
  ): Script {
    const ids = members.map(({ memberId }) => memberId);
    const blocks = assignBlocks(virtualRanks, ids);
    const draft = {
      fencingEpoch,
      mode,
      reason,
      members: members.map(({ memberId, host, port }, index) => ({
        memberId,
        host,
        port,
        blocks: blocks[index] ?? [],
      })),
    };
    const published = (yield this.#redis((redis) => {
      const result = redis.publish(draft, before?.version ?? 0);
      if (!('newest' in result)) this.#world.invariants.checkView(result);
      return result;
    })) as ReturnType<RedisModel['publish']>;
    if ('newest' in published) throw stale(published.newest);
    this.#world.hint(this.#world.viewHints);
  }

  #change(from: string, to: string): Call {
    return this.#redis((redis) => {
      if (redis.updateStatus(from, to)) this.#world.trace.note(this.process.name, `run is ${to}`);
    });
  }

  #redis(command: (redis: RedisModel, nowMs: number) => unknown): Call {
    return (done, failed) => this.#world.call(this.process, command, done, failed);
  }

  #store(command: (store: StoreModel) => unknown): Call {
    return (done, failed) => this.#world.storeCall(this.process, command, done, failed);
  }

  /** Runs a script to its end, or to the first error. */
  #run(script: Script, ended: (error?: WireError) => void): void {
    const goOn = (resume: () => IteratorResult<Call, void>): void => {
      let step: IteratorResult<Call, void>;
      try {
        step = resume();
      } catch (error) {
        if (!isWireError(error)) throw error;
        ended(error);
        return;
      }
      if (step.done === true) {
        ended();
        return;
      }
      step.value(
        (result) => goOn(() => script.next(result)),
        (error) => goOn(() => script.throw(error)),
      );
    };
    goOn(() => script.next());
  }
}

function isActive(status: string): boolean {
  return ['starting', 'running', 'recovering', 'stopping'].includes(status);
}

function stale(newest: number): WireError {
  return { code: 'QUEUE_STALE_EPOCH', message: `epoch ${newest} is known`, details: { newest } };
}

function isWireError(value: unknown): value is WireError {
  return typeof value === 'object' && value !== null && 'code' in value && 'details' in value;
}
