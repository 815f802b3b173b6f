/** What does not change in a member's life. */
export interface MemberRules {
  readonly memberId: string;
  readonly seed: number;
  readonly numSteps: number;
  readonly checkpointEverySteps: number;
  /** Saved besides: somebody may want to go on from there. */
  readonly milestones: readonly number[];
  /** Also after this much time; 0: by steps only. */
  readonly checkpointEveryMs: number;
  /** 0: only at the end. */
  readonly evalEverySteps: number;
  /** Longest wait for peers when a view begins. */
  readonly settleTimeoutMs: number;
  /** Longest wait for the others' votes. */
  readonly stepTimeoutMs: number;
}
