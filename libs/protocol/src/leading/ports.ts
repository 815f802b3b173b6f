import type {
  Logger,
  NewRunEvent,
  RelayAddress,
  RunAttempt,
  RunRecord,
  RunRequests,
  View,
} from '@berth/contracts';
import type { ViewId } from '../ledger/view-id.ts';
import type { RunChange } from '../lifecycle/control-decision.ts';
import type { LeaseAnswer } from '../run/decide-lease.ts';
import type { LiveMember, UnreadableMember } from '../run/membership-state.ts';
import type { decideRun } from '../run/run.ts';
import type { ViewDraft } from '../run/view-draft.ts';
import type { Call } from './script.ts';

export interface Clock {
  /** Since any moment; never set back. */
  nowMs(): number;
  /** Unix time. */
  timeMs(): number;
  sleep(ms: number): Call<unknown>;
}

export interface LeasePort {
  readonly ttlMs: number;
  acquire(usedEpoch: number): Call<LeaseAnswer>;
  release(): Call<unknown>;
}

/** Run records, and which run is the active one. */
export interface RunsPort {
  active(): Call<string | undefined>;
  read(runId: string): Call<RunRecord | undefined>;
  survey(): Call<{
    readonly records: readonly RunRecord[];
    readonly unreadable: readonly { readonly runId: string }[];
  }>;
  update(known: RunRecord, change: RunChange, fencingEpoch: number): Call<unknown>;
  setActive(
    runId: string | undefined,
    expected: string | undefined,
    fencingEpoch: number,
  ): Call<unknown>;
}

/** What is kept of runs outside Redis. */
export interface KeepingPort {
  /**
   * Gives Redis the records that it lacks.
   * @param options.isOlder - Redis may hold older records than ours, which then are put back too
   */
  restore(options: { readonly isOlder: boolean }): Call<unknown>;
  /** Notes in Redis that all is back, so that later epochs of its life need not look. */
  noteRestored(fencingEpoch: number): Call<unknown>;
  /** Takes note of what there is; called again every second or so. */
  note(): Call<unknown>;
}

export interface MembersPort {
  /** @param options.forget - false to list those as well who have not been seen for long */
  survey(options: { readonly forget: boolean }): Call<{
    readonly live: readonly { readonly info: LiveMember; readonly ageMs: number }[];
    readonly unreadable: readonly UnreadableMember[];
  }>;
}

export interface ViewsPort {
  current(): Call<View | undefined>;
  /**
   * @param replaces - version of the view that is known to be in force
   * @param events - what that means, kept with the view
   */
  publish(
    draft: ViewDraft,
    replaces: number | undefined,
    events: readonly NewRunEvent[],
  ): Call<View>;
}

export interface LedgerPort {
  numCommitted(): Call<number>;
  /** Rewinds the ledger, unless what follows is newer than the rewind. @returns committed steps */
  rewind(toStep: number, madeAt: ViewId, fencingEpoch: number): Call<number>;
}

export type Rewind = NonNullable<RunRequests['rewind']>;

/** What was cut off, and the view in force then. */
export interface FiledBranch {
  readonly fromStep: number;
  readonly askedAtMs: number;
  readonly fencingEpoch: number;
  readonly viewVersion: number;
}

/** A checkpoint whose manifest can be read. */
export interface FoundCheckpoint {
  readonly step: number;
  /** Gives Redis the entries of its ledger that it lacks. @returns why they cannot be used, when they are damaged */
  putBack(fencingEpoch: number): Call<string | undefined>;
}

/** A run's past as the bucket has it, and what Redis lists of it. */
export interface PastPort {
  /** The newest checkpoint that the run can go on from. */
  newest(attempts: readonly RunAttempt[], maxStep: number): Call<FoundCheckpoint | undefined>;
  /** The newest step with a checkpoint that is whole; 0 without one. */
  newestWhole(attempts: readonly RunAttempt[], maxStep: number): Call<number>;
  /** Keeps a checkpoint for the line that goes on from it. @returns false when none of that step is whole */
  pin(step: number, attempts: readonly RunAttempt[], fencingEpoch: number): Call<boolean>;
  /** What an attempt left behind, once that is filed. */
  branch(attempt: number): Call<FiledBranch | undefined>;
  /** Files the entries that a rewind will take off the ledger; the ledger is as it was. */
  fileBranch(rewind: Rewind, fence: ViewId): Call<FiledBranch>;
  /** Makes Redis list the checkpoints of the line. */
  listAgain(attempts: readonly RunAttempt[]): Call<unknown>;
  isSaved(step: number, attempts: readonly RunAttempt[]): Call<boolean>;
  isEvaluated(step: number, attempts: readonly RunAttempt[]): Call<boolean>;
  /** The newest step of the line that Redis lists a checkpoint of; 0 without one. */
  newestListed(attempts: readonly RunAttempt[]): Call<number>;
}

/** What a run trains on. */
export interface DataPort {
  /** One look at a run whose data is being made. */
  prepare(record: RunRecord): Call<RunChange | undefined>;
  /** Has examples made ahead of training. @returns what the next step waits for, in words; '' for nothing */
  supply(record: RunRecord, numCommitted: number): Call<string>;
}

/** All that the supervisor of one run asks for. */
export interface RunPorts {
  readonly runId: string;
  readonly clock: Clock;
  readonly ledger: LedgerPort;
  readonly views: ViewsPort;
  readonly members: MembersPort;
  readonly past: PastPort;
  readonly data: DataPort;
  /** Of this coordinator. @defaultValue it relays nothing */
  readonly relay?: RelayAddress | undefined;
  /** Keeps a copy of the run's record outside Redis, before Redis has it. */
  keepRecord(record: RunRecord): Call<unknown>;
  /** @defaultValue `decideRun`, which the simulator breaks to prove that each of its parts is needed */
  readonly decide?: typeof decideRun;
  readonly logger: Logger;
}

/** All that a coordinator asks for. */
export interface LeadingPorts {
  readonly clock: Clock;
  readonly runs: RunsPort;
  readonly keeping: KeepingPort;
  /** Waits for news of a member, or until the time is over. @returns whether there was any */
  awaitNews(timeoutMs: number): Call<boolean>;
  openRun(runId: string, logger: Logger): RunPorts;
  readonly logger: Logger;
}
