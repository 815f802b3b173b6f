import type { RunRecord, WireError } from '@berth/contracts';
import { commitFault, endOf, needsSnapshots } from './commit-fault.ts';
import { planFaults, type PlannedFault } from './faults.ts';
import { Violation } from './invariants.ts';
import { RedisSnapshots } from './redis-snapshots.ts';
import { SimCluster } from './sim-cluster.ts';
import { SimOperator } from './sim-operator.ts';
import { newRecord } from './sim-record.ts';
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
  /** Votes for steps that were committed in a view before. */
  readonly numReplays: number;
  readonly virtualMs: number;
  /** As in `running --> pausing`. */
  readonly statusChanges: readonly string[];
  /** What happened last, with reasons. */
  readonly trace: string;
}

/** Now and then a member joins, so that states are copied. */
const onlyStateFlips = { 'state-flip': 4, 'join-member': 1, 'kill-member': 1, frame: 2 };
/** From the last fault to completion: a lost lease, timeouts in a row, some calls that stall, and all steps. */
const leastPatienceMs = 60_000 + 3 * storeStallMs;
/** And so many steps. */
const stepsPatience = 2 * numSteps;
const traceLines = 120;

/** Trains a whole run in virtual time under the faults of a seed, checking I1 to I6 after every event. */
export function simulate(seed: number, options: SimulationOptions = {}): SimulationReport {
  return new Simulation(seed, options).run();
}

class Simulation {
  readonly #seed: number;
  readonly #world: World;
  readonly #plan: readonly PlannedFault[];
  readonly #cluster: SimCluster;
  #numFaults = 0;
  #numEvents = 0;

  constructor(seed: number, options: SimulationOptions) {
    const { sabotage, plan, flipAtMs, notFiniteStep, computeMs, stateFlips } = options;
    this.#seed = seed;
    const world = new World(seed, sabotage, computeMs);
    this.#world = world;
    world.notFiniteStep = notFiniteStep;
    const { clock, random, redis, store } = world;
    this.#plan = plan ?? planFaults(random, stateFlips === true ? onlyStateFlips : undefined);
    redis.runs.submit(newRecord(runId, world.timeMs, world.hasPhases));
    store.archive(redis.record);
    const cluster = new SimCluster(world, 2 + (random.next() % 3));
    this.#cluster = cluster;
    const operator = new SimOperator(world);
    const snapshots = new RedisSnapshots(world);
    if (needsSnapshots(this.#plan)) snapshots.keepOn();
    for (const fault of this.#plan)
      clock.after(fault.atMs, () => {
        this.#numFaults++;
        commitFault({ world, cluster, snapshots, operator }, fault);
      });
    if (flipAtMs !== undefined) clock.after(flipAtMs, () => (world.numFlips = 1));
  }

  run(): SimulationReport {
    const problem = this.#problem();
    return {
      seed: this.#seed,
      problem,
      failure: this.#world.redis.record.error ?? undefined,
      numFaults: this.#numFaults,
      numEvents: this.#numEvents,
      numReplays: this.#world.numReplays,
      virtualMs: this.#world.clock.nowMs,
      statusChanges: [...this.#world.redis.runs.statusChanges],
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
        invariants.check(() => this.#cluster.damagedMembers());
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
      if (redis.notes.evaluation(step) !== reference.weights[step])
        return `What was evaluated at step ${step} is ${redis.notes.evaluation(step) ?? 'nothing'}`;
    return undefined;
  }
}

/** Of a checkpoint that is gone meanwhile another resume makes good. */
function isOver({ status, error }: RunRecord): boolean {
  return status === 'completed' || (status === 'failed' && error?.code !== 'CHECKPOINT_NOT_FOUND');
}
