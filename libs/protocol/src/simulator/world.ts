import type { ErrorCode, Numerics, WireError } from '@berth/contracts';
import { Clock } from './clock.ts';
import { Invariants } from './invariants.ts';
import { Random } from '../random.ts';
import { workerOf } from '../run/worker-name.ts';
import { RedisModel, redisSabotages, type RedisSabotage } from './redis-model.ts';
import { SimDisk } from './sim-disk.ts';
import type { SimProcess } from './sim-process.ts';
import { manifestKey, StoreModel, type SimLine } from './store-model.ts';
import { modelWeights, referenceRun, seedWeights, type Reference } from './toy-model.ts';
import { Trace } from './trace.ts';

/** Ways to break the protocol, each of which some invariant must notice. */
export type Sabotage =
  | RedisSabotage
  /** Members follow views that are older than the one they know. */
  | 'no-older-views'
  /** Nobody looks for checkpoints beyond the ledger. */
  | 'no-restore'
  /** Members that hold some step, if not the ledger's last, look for no checkpoint. */
  | 'no-late-look'
  /** What was made at the end of a view, and is known no more, is not made again. */
  | 'no-rest-watch'
  /** What was cut off a ledger stays when Redis brings it back. */
  | 'no-rewind-again'
  /** Only who leads first in a life of Redis looks whether that holds less than there was. */
  | 'restore-once'
  | 'no-frame-fence'
  | 'no-frame-check'
  | 'no-finite-check'
  | 'no-state-fence'
  | 'manifest-first'
  | 'half-restore'
  | 'no-fingerprint'
  /** Keys of checkpoints say nothing of attempt and epoch. */
  | 'no-line-keys'
  /** Going back does not write the manifest under the new attempt. */
  | 'no-pin'
  /** Deletions are not asked for again once they were decided. */
  | 'no-delete-fence'
  /** Who cannot read the stored model that a run begins with takes the seed. */
  | 'seed-for-model'
  /** Only who did the last step of a phase knows that the next begins with an epoch of its own. */
  | 'phase-by-memory'
  /** A process that starts again looks for no state on its disk. */
  | 'no-spool-look'
  /** What is found on disk is stored whatever the ledger holds. */
  | 'spool-unproven'
  | 'member-order'
  | 'no-watchdog'
  | 'no-slice'
  | 'no-save-compare'
  | 'no-go-back-fence'
  | 'no-settle-compare'
  | 'heal-only'
  | CrashSabotage;

/** Less and less is known of a crash loop: its worker's name, that a step is under way, that attempts were not of the same workers. */
const crashSabotages = ['quarantine-processes', 'join-at-once', 'attempts-of-all'] as const;
type CrashSabotage = (typeof crashSabotages)[number];

export const runId = 'run';
export const virtualRanks = 8;
export const numSteps = 100;
export const evalEverySteps = 10;
/** In the run's record since it began. */
export const runNumerics: Numerics = {
  tensorflow: '2',
  device: 'cpu',
  kernels: 'k',
  numThreads: 1,
  fingerprint: 'same bits',
};
const startMs = 1_700_000_000_000;

/** Faults of single messages, each done to the next one that comes along. */
export const callFaults = ['request-lost', 'reply-lost', 'resent', 'late-copy', 'slow'] as const;
export type CallFault = (typeof callFaults)[number];
export const frameFaults = [
  'cut',
  'vanish',
  'late',
  'twice',
  'contribution-corrupt',
  'reduced-corrupt',
] as const;
export type FrameFault = (typeof frameFaults)[number];

/** Calls to the bucket that do most harm when they hang. */
export const storeCalls = ['put', 'delete', 'list'] as const;
export type StoreCall = (typeof storeCalls)[number];
/** One call that hangs before or after the bucket has done it, done to the next one of its kind. */
export interface StoreStall {
  readonly call: StoreCall;
  readonly at: 'request' | 'reply';
}
export const storeStallMs = 30_000;

/** Steps with which a phase with other examples begins, in runs that have phases; before the last an epoch is whole. */
export const phaseSteps = [20, 50, 75];
const references = new Map<string, Reference>();

function referenceOf(beginsWithModel: boolean, hasPhases: boolean): Reference {
  const key = `${beginsWithModel} ${hasPhases}`;
  const begin = beginsWithModel ? modelWeights : seedWeights;
  const steps = hasPhases ? phaseSteps : [];
  const reference = references.get(key) ?? referenceRun(numSteps, virtualRanks, begin, steps);
  references.set(key, reference);
  return reference;
}

/** All that processes share: time, chance, Redis, the bucket, and the faults that lie in wait. */
export class World {
  /** Votes for steps that were committed in a view before. */
  numReplays = 0;
  readonly clock = new Clock();
  readonly trace = new Trace(this.clock);
  readonly random: Random;
  readonly redis: RedisModel;
  readonly store = new StoreModel();
  readonly #disks = new Map<string, SimDisk>();
  /** Half of the seeds each: with a stored model, and in phases. */
  readonly beginsWithModel: boolean;
  readonly hasPhases: boolean;
  readonly reference: Reference;
  readonly invariants: Invariants;
  readonly sabotage: Sabotage | undefined;
  isRedisAway = false;
  /** By how much the clock of Redis is wrong. */
  redisClockMs = 0;
  readonly dead = new Set<string>();
  /** Called when a view may have been published. */
  readonly viewHints = new Set<() => void>();
  /** Called when a member has news. */
  readonly memberHints = new Set<() => void>();
  readonly waitingCallFaults: CallFault[] = [];
  readonly waitingFrameFaults: FrameFault[] = [];
  readonly waitingStalls: StoreStall[] = [];
  /** The step whose gradient is not finite. */
  notFiniteStep: number | undefined;
  /** Members whose next reduced gradient has a flipped bit. */
  numFlips = 0;

  /** Longest computation of a member's gradients. */
  readonly computeMs: number;

  constructor(seed: number, sabotage?: Sabotage, computeMs = 60) {
    this.computeMs = computeMs;
    this.beginsWithModel = (seed & 1) === 1;
    this.hasPhases = (seed & 2) === 2;
    this.reference = referenceOf(this.beginsWithModel, this.hasPhases);
    this.random = new Random(seed);
    this.sabotage = sabotage;
    this.redis = new RedisModel(runId, isRedisSabotage(sabotage) ? sabotage : undefined);
    this.invariants = new Invariants(this.redis, this.store, this.reference, (member) =>
      this.diskOf(workerOf(member)),
    );
  }

  /** Of the machine that a worker runs on. */
  diskOf(worker: string): SimDisk {
    const disk = this.#disks.get(worker) ?? new SimDisk();
    this.#disks.set(worker, disk);
    return disk;
  }

  /** Whether a guard against crash loops is missing: each sabotage lacks those before it too. */
  lacks(guard: CrashSabotage): boolean {
    const missing = crashSabotages.findIndex((sabotage) => sabotage === this.sabotage);
    return missing >= crashSabotages.indexOf(guard);
  }

  /** The time of day, by the clocks of all processes but Redis. */
  get timeMs(): number {
    return startMs + this.clock.nowMs;
  }

  /** Asks Redis for something, as ioredis does: fails at once while it is away, and may send a command twice. */
  call<T>(
    process: SimProcess,
    command: (redis: RedisModel, nowMs: number) => T,
    done: (result: T) => void,
    failed: (error: WireError) => void,
  ): void {
    const { clock, random } = this;
    const fault = this.waitingCallFaults.pop();
    if (fault !== undefined) this.trace.note(process.name, `a call to Redis meets: ${fault}`);
    const refuse = (): void => process.after(1, () => failed(unreachable('Redis')));
    const run = (): T => command(this.redis, this.timeMs + this.redisClockMs);
    const delayMs = fault === 'slow' ? random.between(200, 4_000) : random.between(0.3, 3);
    clock.after(delayMs, () => {
      if (this.isRedisAway || fault === 'request-lost') {
        refuse();
        return;
      }
      let result = run();
      if (fault === 'resent') result = run();
      if (fault === 'late-copy')
        clock.after(random.between(20, 4_000), () => void (this.isRedisAway || run()));
      if (fault === 'reply-lost') refuse();
      else process.after(random.between(0.3, 3), () => done(result));
    });
  }

  /** Where a line's checkpoint of a step lies. */
  keyOf(line: SimLine, step: number): string {
    const isSabotaged = this.sabotage === 'no-line-keys';
    return manifestKey(isSabotaged ? { attempt: 0, fencingEpoch: 0 } : line, step);
  }

  /** Asks the bucket for something. A call that stalls goes on later, also when its process is long dead. */
  storeCall<T>(
    process: SimProcess,
    command: (store: StoreModel) => T,
    done: (result: T) => void,
    failed: (error: WireError) => void,
    kind?: StoreCall,
  ): void {
    const { clock, random } = this;
    const position = this.waitingStalls.findIndex(({ call }) => call === kind);
    const [stall] = position < 0 ? [] : this.waitingStalls.splice(position, 1);
    if (stall !== undefined) this.trace.note(process.name, `a ${stall.call} stalls`);
    const late = (at: StoreStall['at']): number => (stall?.at === at ? storeStallMs : 0);
    clock.after(random.between(5, 40) + late('request'), () => {
      if (this.store.isAway) {
        process.after(300, () => failed(unreachable('the bucket')));
        return;
      }
      const result = command(this.store);
      // A reply may be lost: what was stored is stored.
      if (random.chance(0.01)) process.after(300, () => failed(unreachable('the bucket')));
      else process.after(random.between(5, 40) + late('reply'), () => done(result));
    });
  }

  /** Tells whoever listens that there is news; a hint may get lost. */
  hint(listeners: ReadonlySet<() => void>): void {
    for (const look of listeners) if (this.random.chance(0.9)) look();
  }
}

function isRedisSabotage(sabotage: Sabotage | undefined): sabotage is RedisSabotage {
  return redisSabotages.some((kind) => kind === sabotage);
}

export function simError(
  code: ErrorCode,
  message: string,
  details: WireError['details'] = {},
): WireError {
  return { code, message, details };
}

function unreachable(what: 'Redis' | 'the bucket'): WireError {
  const code = what === 'Redis' ? 'QUEUE_UNREACHABLE' : 'STORE_UNREACHABLE';
  return simError(code, `${what} cannot be reached`);
}
