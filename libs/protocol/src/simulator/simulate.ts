import {
  isFinal,
  type Control,
  type ControlRequest,
  type RunRecord,
  type WireError,
} from '@berth/contracts';
import { decideControl } from '../lifecycle/decide-control.ts';
import { workerOf } from '../run/worker-name.ts';
import { planFaults, type Fault, type PlannedFault } from './faults.ts';
import { Violation } from './invariants.ts';
import type { Peers } from './peers.ts';
import { SimLeader } from './sim-leader.ts';
import { SimMember } from './sim-member.ts';
import type { SimRelease } from './sim-member-work.ts';
import { newRecord } from './sim-record.ts';
import type { StateCopies } from './state-copies.ts';
import type { StoreModel } from './store-model.ts';
import { evalEverySteps, numSteps, runId, storeStallMs, World, type Sabotage } from './world.ts';

export interface SimulationOptions {
  readonly sabotage?: Sabotage | undefined;
  /** Faults instead of those that the seed gives. */
  readonly plan?: readonly PlannedFault[];
  /** A step whose gradient is not finite. */
  readonly notFiniteStep?: number;
  /** At this time a bit flips in one member's reduced gradient. */
  readonly flipAtMs?: number;
  /** Longest computation of a member's gradients. */
  readonly computeMs?: number;
  /** Whether bits of states flip often. */
  readonly stateFlips?: boolean;
}

export interface SimulationReport {
  readonly seed: number;
  /** What went wrong; undefined when the run completed with the right weights and no invariant was hurt. */
  readonly problem: string | undefined;
  /** The run's own error, when it gave up. */
  readonly failure: WireError | undefined;
  readonly numFaults: number;
  readonly numEvents: number;
  readonly virtualMs: number;
  /** As in `running --> pausing`. */
  readonly statusChanges: readonly string[];
  /** What happened last, with reasons. */
  readonly trace: string;
}

const comesBackOlder: ReadonlySet<Fault['kind']> = new Set<Fault['kind']>([
  'redis-rollback',
  'replica-promoted',
]);
const takesEvidenceAway: ReadonlySet<Fault['kind']> = new Set<Fault['kind']>([
  'kill-member',
  'kill-all-members',
  'leave-member',
  'pause-member',
  'kill-run',
  'rewind-run',
  'device-hang',
  'crash-loop',
  'redis-flush',
  ...comesBackOlder,
]);
const forgets: ReadonlySet<Fault['kind']> = new Set<Fault['kind']>([
  'redis-flush',
  ...comesBackOlder,
]);
/** Now and then a member joins, so that states are copied. */
const onlyStateFlips = { 'state-flip': 4, 'join-member': 1, 'kill-member': 1, frame: 2 };
const maxMembers = 5;
const maxCoordinators = 2;
/** From the last fault to completion: a lost lease, timeouts in a row, some calls that stall, and all steps. */
const leastPatienceMs = 60_000 + 3 * storeStallMs;
/** And so many steps. */
const stepsPatience = 2 * numSteps;
const operatorPollMs = 300;
const crashRestartMs = 50;
/** A crash loop lasts longer than other faults. */
const crashLoopLength = 4;
const traceLines = 120;
const snapshotEveryMs = 100;
const maxSnapshots = 60;
const redisRestartMs = 200;

/** What Redis held at some time. */
interface KeptSnapshot {
  readonly atMs: number;
  readonly putBack: () => void;
}

/** Trains a whole run in virtual time under the faults of a seed, checking I1 to I6 after every event. */
export function simulate(seed: number, options: SimulationOptions = {}): SimulationReport {
  return new Simulation(seed, options).run();
}

/** How a worker starts: under a name that it had before, or as a new one. */
interface Start {
  readonly name?: string;
  readonly release?: SimRelease;
}

class Simulation {
  readonly #seed: number;
  readonly #world: World;
  readonly #plan: readonly PlannedFault[];
  readonly #members = new Map<string, SimMember>();
  readonly #copies = new Map<string, StateCopies>();
  readonly #connections = new Map<string, Peers>();
  readonly #coordinators: SimLeader[] = [];
  /** Workers that die again and again for a while, by name. */
  readonly #crashLoops = new Map<string, { readonly lifeMs: number; readonly untilMs: number }>();
  #numMade = 0;
  #numFaults = 0;
  #numEvents = 0;
  #numRewinds = 0;
  readonly #snapshots: KeptSnapshot[] = [];

  constructor(seed: number, options: SimulationOptions) {
    const { sabotage, plan, flipAtMs, notFiniteStep, computeMs, stateFlips } = options;
    this.#seed = seed;
    this.#world = new World(seed, sabotage, computeMs);
    this.#world.notFiniteStep = notFiniteStep;
    const { clock, random, redis, store } = this.#world;
    this.#plan = plan ?? planFaults(random, stateFlips === true ? onlyStateFlips : undefined);
    redis.submit(newRecord(runId, this.#world.timeMs));
    store.archive(redis.record);
    const numMembers = 2 + (random.next() % 3);
    for (let index = 0; index < numMembers; index++) this.#startMember();
    for (let index = 0; index < maxCoordinators; index++) this.#startCoordinator();
    this.#operate();
    if (this.#plan.some(({ kind }) => comesBackOlder.has(kind))) this.#keepSnapshots();
    for (const fault of this.#plan) clock.after(fault.atMs, () => this.#commit(fault));
    if (flipAtMs !== undefined) clock.after(flipAtMs, () => (this.#world.numFlips = 1));
  }

  run(): SimulationReport {
    const problem = this.#problem();
    return {
      seed: this.#seed,
      problem,
      failure: this.#world.redis.record.error ?? undefined,
      numFaults: this.#numFaults,
      numEvents: this.#numEvents,
      virtualMs: this.#world.clock.nowMs,
      statusChanges: [...this.#world.redis.statusChanges],
      trace: problem === undefined ? '' : this.#world.trace.last(traceLines),
    };
  }

  #problem(): string | undefined {
    const { clock, invariants, redis, store, reference, computeMs } = this.#world;
    const { notFiniteStep = Infinity } = this.#world;
    const lastFaultMs = Math.max(0, ...this.#plan.map(endOf));
    const patienceMs = leastPatienceMs + stepsPatience * computeMs;
    try {
      while (!isOver(redis.record) && clock.step()) {
        this.#numEvents++;
        invariants.check(() => this.#living().some(({ isDamaged }) => isDamaged));
        if (redis.ledger.length > notFiniteStep)
          return `I3: step ${notFiniteStep} was committed, though it is not finite`;
        if (clock.nowMs > lastFaultMs + patienceMs)
          return `Liveness: step ${redis.ledger.length} of ${numSteps}, ${patienceMs} ms after the last fault`;
      }
    } catch (error) {
      return error instanceof Violation ? error.message : String((error as Error).stack);
    }
    if (redis.record.status !== 'completed')
      return `The run is ${redis.record.status}: ${redis.record.error?.message}`;
    const last = store.newestValid(redis.record.attempts);
    const weights = last?.step === numSteps ? store.load(last) : undefined;
    if (weights !== reference.weights[numSteps]) return `I3: the last checkpoint holds ${weights}`;
    for (let step = 0; step <= numSteps; step += evalEverySteps)
      if (redis.evaluation(step) !== reference.weights[step])
        return `What was evaluated at step ${step} is ${redis.evaluation(step) ?? 'nothing'}`;
    return undefined;
  }

  /** Starts a worker, under the name that it had before. */
  #startMember({ name, release = 'same bits' }: Start = {}): SimMember | undefined {
    if (this.#living().length >= maxMembers) return undefined;
    const { clock, random } = this.#world;
    const number = this.#numMade++;
    const isNew = name === undefined || this.#world.lacks('quarantine-processes');
    const memberId = `${isNew ? `m${number}` : name}-${number.toString(16).padStart(6, '0')}`;
    const member = new SimMember(this.#world, memberId, this.#copies, this.#connections, release);
    this.#members.set(memberId, member);
    const loop = name === undefined ? undefined : this.#crashLoops.get(name);
    if (name !== undefined && loop !== undefined && clock.nowMs < loop.untilMs)
      clock.after(loop.lifeMs * random.between(0.8, 1.2), () => {
        if (!member.process.isAlive) return;
        member.kill();
        clock.after(crashRestartMs, () => this.#startMember({ name }));
      });
    return member;
  }

  #restart(member: SimMember | undefined, afterMs: number): void {
    const start = member && { name: nameOf(member) };
    this.#world.clock.after(afterMs, () => this.#startMember(start));
  }

  #startCoordinator(): void {
    this.#coordinators.push(new SimLeader(this.#world, `c${this.#numMade++}`));
  }

  #living(): SimMember[] {
    return [...this.#members.values()].filter(({ process }) => process.isAlive);
  }

  #commit(fault: Fault): void {
    const { clock, redis, store, random, trace, waitingCallFaults, waitingFrameFaults } =
      this.#world;
    this.#numFaults++;
    switch (fault.kind) {
      case 'call':
        waitingCallFaults.push(fault.fault);
        return;
      case 'frame':
        waitingFrameFaults.push(fault.fault);
        return;
      case 'store-stall':
        this.#world.waitingStalls.push(fault);
        return;
      case 'clock-step':
        trace.note('----', `the clock of Redis is set by ${fault.byMs.toFixed(0)} ms`);
        this.#world.redisClockMs += fault.byMs;
        return;
      default:
    }
    const { forMs } = fault;
    const member = random.pick(this.#living());
    const coordinator = random.pick(this.#coordinators.filter(({ process }) => process.isAlive));
    // With the states of those who worked with a damaged one goes the evidence: ADR 0031.
    if (this.#world.invariants.isDamaged && takesEvidenceAway.has(fault.kind)) return;
    // An epoch from a clock that has been set back since is known to nobody, once Redis and all who saw it have gone: ADR 0033.
    const latestMs = this.#world.timeMs + Math.max(0, this.#world.redisClockMs);
    if (forgets.has(fault.kind) && redis.lastEpoch > latestMs) return;
    const target = fault.kind.endsWith('coordinator') ? coordinator : member;
    trace.note('----', `${fault.kind} ${target?.process.name ?? ''} for ${forMs.toFixed(0)} ms`);
    switch (fault.kind) {
      case 'kill-member':
        member?.kill();
        this.#restart(member, forMs);
        return;
      case 'kill-all-members':
        for (const living of this.#living()) {
          living.kill();
          this.#restart(living, forMs);
        }
        return;
      case 'pause-member':
        member?.process.pause();
        clock.after(forMs, () => member?.process.resume());
        return;
      case 'leave-member':
        member?.leave();
        this.#restart(member, forMs);
        return;
      case 'device-hang':
        member?.hang(() => this.#restart(member, crashRestartMs));
        return;
      case 'crash-loop': {
        if (member === undefined) return;
        const untilMs = clock.nowMs + crashLoopLength * forMs;
        this.#crashLoops.set(nameOf(member), { lifeMs: random.between(150, 800), untilMs });
        member.kill();
        this.#restart(member, crashRestartMs);
        return;
      }
      case 'join-member':
        this.#startMember();
        return;
      case 'mixed-release': {
        const other = this.#startMember({ release: 'other bits' });
        clock.after(forMs, () => other?.kill());
        return;
      }
      case 'state-flip':
        // A run that is about to be killed has nobody who would find it.
        if (redis.record.requests.kill) return;
        if (member?.process.isPaused === false && this.#isWatched(member)) member.flipState();
        return;
      case 'kill-coordinator':
        coordinator?.process.kill();
        clock.after(forMs, () => this.#startCoordinator());
        return;
      case 'pause-coordinator':
        coordinator?.process.pause();
        clock.after(forMs, () => coordinator?.process.resume());
        return;
      case 'redis-away':
        this.#world.isRedisAway = true;
        clock.after(forMs, () => (this.#world.isRedisAway = false));
        return;
      case 'redis-flush':
        redis.flush();
        this.#world.invariants.lost();
        return;
      case 'redis-rollback':
        this.#comeBackOlder(forMs);
        this.#world.isRedisAway = true;
        clock.after(redisRestartMs, () => (this.#world.isRedisAway = false));
        return;
      case 'replica-promoted':
        this.#comeBackOlder(forMs);
        return;
      case 'notes-lost':
        redis.forgetNotes();
        return;
      case 'store-away':
        store.isAway = true;
        clock.after(forMs, () => (store.isAway = false));
        return;
      case 'stop-run':
        this.#control('stop');
        return;
      case 'pause-run':
        this.#control('pause');
        return;
      case 'kill-run':
        this.#control('kill');
        return;
      case 'checkpoint-run':
        this.#control('checkpoint');
        return;
      case 'rewind-run':
        this.#numRewinds++;
        this.#control('kill');
    }
  }

  /** Whether somebody else holds the same, so that it can be compared. */
  #isWatched(member: SimMember): boolean {
    return this.#living().some((other) => other !== member && other.holdsSameAs(member));
  }

  /** Redis holds no more than it did a while ago. */
  #comeBackOlder(ageMs: number): void {
    const { clock, invariants } = this.#world;
    const isOldEnough = ({ atMs }: KeptSnapshot): boolean => atMs <= clock.nowMs - ageMs;
    const kept = this.#snapshots.findLast(isOldEnough) ?? this.#snapshots[0];
    kept?.putBack();
    this.#snapshots.length = 0;
    this.#keepSnapshot();
    invariants.cameBack();
  }

  #keepSnapshots(): void {
    this.#keepSnapshot();
    this.#world.clock.after(snapshotEveryMs, () => this.#keepSnapshots());
  }

  #keepSnapshot(): void {
    const { clock, redis } = this.#world;
    this.#snapshots.push({ atMs: clock.nowMs, putBack: redis.snapshot() });
    if (this.#snapshots.length > maxSnapshots) this.#snapshots.shift();
  }

  /** What an operator asks of the run, as the coordinator that is asked decides it. @returns whether it changes anything */
  #control(control: Control, request: ControlRequest = {}): boolean {
    const { redis, store, timeMs } = this.#world;
    if (!redis.hasRecord) return false;
    const { record } = redis;
    const checkpointSteps = stepsOf(store, record);
    const snapshot = { numCommitted: redis.ledger.length, checkpointSteps, unsavedMs: 0 };
    const decision = decideControl(timeMs, record, snapshot, control, request);
    if (decision.kind !== 'change') return false;
    redis.changeRecord(decision.change);
    return true;
  }

  /** The operator resumes the run whenever it rests, from an older checkpoint when that was planned. */
  #operate(): void {
    const { clock, redis, store, random } = this.#world;
    if (isFinal(redis.record.status)) {
      const steps = stepsOf(store, redis.record).filter((step) => step < numSteps);
      const fromStep = this.#numRewinds > 0 ? random.pick(steps) : undefined;
      if (this.#control('resume', fromStep === undefined ? {} : { fromStep })) {
        if (fromStep !== undefined) this.#numRewinds--;
        store.archive(redis.record);
      }
    }
    clock.after(operatorPollMs, () => this.#operate());
  }
}

/** Steps of the checkpoints that a run can go on from, oldest first. */
function stepsOf(store: StoreModel, { attempts }: RunRecord): number[] {
  return [...new Set(store.onLine(attempts).map(({ step }) => step))];
}

function nameOf({ process }: SimMember): string {
  return workerOf(process.name);
}

/** When the consequences of a fault have begun. */
function endOf(fault: PlannedFault): number {
  return fault.atMs + (fault.kind === 'crash-loop' ? crashLoopLength * fault.forMs : 0);
}

/** Of a checkpoint that is gone meanwhile another resume makes good. */
function isOver({ status, error }: RunRecord): boolean {
  return status === 'completed' || (status === 'failed' && error?.code !== 'CHECKPOINT_NOT_FOUND');
}
