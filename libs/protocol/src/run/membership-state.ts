import type { MemberInfo, Numerics, View } from '@berth/contracts';

/** A live worker as the coordinator sees it. */
export type LiveMember = MemberInfo;

/** A live worker whose heartbeat cannot be read, as it comes from another release. */
export interface UnreadableMember {
  readonly memberId: string;
  /** What of it cannot be read. */
  readonly problem: string;
}

export interface MembershipState {
  readonly runId: string;
  readonly live: readonly LiveMember[];
  readonly unreadable: readonly UnreadableMember[];
  /** The view in force, if the run has one. */
  readonly view: View | undefined;
  /** The run's numerics, once decided. */
  readonly numerics: Numerics | undefined;
  /** Whether the coordinator joins connections of members of which neither can dial the other. */
  readonly hasRelay: boolean;
  /** When the coordinator began to wait for this run's members. */
  readonly waitingSinceMs: number;
  /** When the complaint about the view in force was first seen. */
  readonly complaintSinceMs: number | undefined;
  /** Views of these same workers that began at the step they all failed to commit, the one in force included. */
  readonly numAttempts: number;
  /** Members that are not seated for now, although they live: the others cannot work with them. */
  readonly quarantined: ReadonlySet<string>;
  /** Members of the view in force that have been left out before, and made no steps in peace since. */
  readonly onProbation: ReadonlySet<string>;
  /** True while the step under way, which another view would throw away, is waited for before anyone joins. */
  readonly isMidStep: boolean;
  readonly mode: View['mode'];
  /** Why the members are to begin anew although nothing of it has changed; undefined when they are not. */
  readonly repeats: string | undefined;
  /** Who is missing, as the end of a reason; '' when nobody is known to be. */
  readonly absent: string;
  /** Who is left out until when, as the end of a reason; '' when nobody is. */
  readonly leftOut: string;
}

export interface MembershipOptions {
  readonly minWorkers: number;
  readonly wantedWorkers: number;
  readonly virtualRanks: number;
  /** How long a first view waits for all wanted workers once there are enough. */
  readonly joinTimeoutMs: number;
  /** How long those whose connection broke have to complain too, which shows that they live. */
  readonly lostGraceMs: number;
  /** How long another complaint waits for the suspect's heartbeat to stop before all are tried again. */
  readonly complaintGraceMs: number;
  /** Attempts at one step after which the member that most of the others accuse is left out. */
  readonly patientAttempts: number;
}

export type MembershipDecision =
  | {
      readonly kind: 'keep';
      readonly reason: string;
      /** True when somebody joins once the step under way is committed. */
      readonly awaitsJoin?: boolean;
    }
  | { readonly kind: 'wait'; readonly reason: string }
  | {
      readonly kind: 'publish';
      readonly members: readonly LiveMember[];
      readonly reason: string;
      /** Members left out although their heartbeat goes on: dead, or cut off from the others. */
      readonly toQuarantine?: readonly string[];
    };
