import type { Numerics, RunStatus, View, WireError } from '@berth/contracts';
import type { LastSeen } from './absent.ts';
import type { GradientDivergence } from './diverged.ts';
import type { Quarantines } from './quarantine.ts';
import type { LiveMember, MembershipOptions, UnreadableMember } from './membership-state.ts';

/** Statuses in which members work on a run's steps. */
export type TrainingStatus = Extract<
  RunStatus,
  'starting' | 'running' | 'degraded' | 'recovering' | 'pausing' | 'stopping'
>;

/** A run in training, as the coordinator sees it in one look; the parts may be moments apart. */
export interface RunSnapshot {
  readonly runId: string;
  readonly status: TrainingStatus;
  /** A checkpoint was asked for, and is not there yet. */
  readonly wantsCheckpoint: boolean;
  /** The newest checkpoint, where one was asked for; else 0. */
  readonly savedStep: number;
  readonly numerics: Numerics | undefined;
  readonly numCommitted: number;
  /** True when a checkpoint holds all committed steps. */
  readonly isSaved: boolean;
  /** True when the evaluation that is due before the first step, or after the last, is there or none is due. */
  readonly isEvaluated: boolean;
  readonly view: View | undefined;
  /** The epoch of the lease that the coordinator holds. */
  readonly fencingEpoch: number;
  /** The epoch with which this life of Redis began: a view of an older one may have had successors. */
  readonly serverEpoch: number;
  /** Whether this coordinator relays. */
  readonly hasRelay: boolean;
  readonly live: readonly LiveMember[];
  readonly unreadable: readonly UnreadableMember[];
}

/** A time, and the steps committed then. */
export interface Since {
  readonly nowMs: number;
  readonly numCommitted: number;
}

/** Views seen in a row that began at the same step. */
export interface Attempts {
  readonly view: string;
  readonly fromStep: number;
  /** Names of the workers of the view in force. */
  readonly workers: string;
  /** How many of them the same workers had, by their names: who comes and goes is no failure of those who stay. */
  readonly counts: ReadonlyMap<string, number>;
  /** How many these had. */
  readonly count: number;
}

/** The most that was seen of a run. Nothing of it ever becomes less, unless Redis comes back older than it was. */
export interface SeenProgress {
  readonly numCommitted: number;
  readonly view: Pick<View, 'fencingEpoch' | 'version'> | undefined;
}

const nothingSeen: SeenProgress = { numCommitted: 0, view: undefined };

/** Since when all members of a view have had nothing left to do in it. */
export interface Rest {
  readonly view: string;
  readonly sinceMs: number;
}

/** What a coordinator remembers of a run between two looks. To forget it costs patience, never bits. */
export interface RunMemory {
  readonly waitingSinceMs: number;
  readonly complaintSinceMs: number | undefined;
  readonly attempts: Attempts;
  readonly quarantines: Quarantines;
  readonly lastSeen: LastSeen;
  /** When it was first seen that a checkpoint is to be made, and the steps committed then. */
  readonly savingSince: Since | undefined;
  /** When it was first seen that somebody is to join. */
  readonly joiningSince: Since | undefined;
  /** The view in force, and when it began or last committed a step. */
  readonly peace: { readonly view: string } & Since;
  /** When the look before was. */
  readonly polledMs: number;
  /** The newest step whose gradient came out different. */
  readonly gradientDivergence: GradientDivergence | undefined;
  readonly seen: SeenProgress;
  readonly resting: Rest | undefined;
}

export interface RunRules extends MembershipOptions {
  readonly numSteps: number;
  /** Views of the same workers that may fail at one step before the run does. */
  readonly maxAttemptsPerStep: number;
  /** After this time every member has complained of a step that does not end. */
  readonly stepTimeoutMs: number;
  /** How long training may be ahead of what the bucket takes before it waits; 0: for ever. @defaultValue 0 */
  readonly maxUnsavedMs?: number;
  /** How long members may rest at the end of a view before what they made there counts as lost and is made again. */
  readonly restGraceMs: number;
}

export type RunDecision = {
  readonly memory: RunMemory;
  /** Why, for people. */
  readonly reason: string;
} & (
  | { readonly kind: 'end'; readonly status: 'paused' | 'stopped' | 'completed' }
  | { readonly kind: 'fail'; readonly error: WireError }
  /** Redis holds less than was seen: all is read again under a new fencing epoch. */
  | {
      readonly kind: 'readAgain';
      /** Epochs up to this one have been used. */
      readonly usedEpoch: number;
    }
  /** The checkpoint that was asked for is there. */
  | { readonly kind: 'saved'; readonly step: number }
  | { readonly kind: 'wait' }
  /** Nobody trains until what was made is saved. */
  | { readonly kind: 'hold' }
  | { readonly kind: 'keep'; readonly isShort: boolean }
  | {
      readonly kind: 'publish';
      /** True when fewer workers train than are wanted, other than at a start, while the others are still coming. */
      readonly isShort: boolean;
      readonly members: readonly LiveMember[];
      readonly mode: View['mode'];
      /** A checkpoint was asked for. */
      readonly savesFirst?: true;
      /** That members held different states in the view before. */
      readonly diverged?: WireError;
    }
  /** The ledger is to be cut back to the newest checkpoint: steps may have been made with damaged weights. */
  | { readonly kind: 'goBack'; readonly diverged: WireError }
);

export function newRunMemory(nowMs: number): RunMemory {
  return {
    waitingSinceMs: nowMs,
    complaintSinceMs: undefined,
    attempts: { view: '', fromStep: -1, workers: '', counts: new Map(), count: 0 },
    quarantines: new Map(),
    lastSeen: new Map(),
    savingSince: undefined,
    joiningSince: undefined,
    peace: { view: '', nowMs, numCommitted: 0 },
    polledMs: nowMs,
    gradientDivergence: undefined,
    seen: nothingSeen,
    resting: undefined,
  };
}
