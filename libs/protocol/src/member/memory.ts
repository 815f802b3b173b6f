import type { Cursor, StepFacts, View, WireError } from '@berth/contracts';

/** A state that this process has given to be saved. */
interface GivenState {
  readonly step: number;
  /** The view whose first member completes it; undefined where that is us. */
  readonly forLeaderOf?: string;
}

/** What a member knows from one view to the next. */
export interface Memory {
  /** Steps applied to the weights in the engine; -1 when these are no step's. */
  appliedStep: number;
  /** The step at which all members of our view were last found to have the same state; -1 before. */
  agreedStep: number;
  /** That our state, or another from which steps were made since, is damaged: with it we take part in nothing. */
  divergence: WireError | undefined;
  /** A reduced step that may have been committed without us knowing. Its gradient is kept until the next is computed. */
  pending: StepFacts | undefined;
  /** The next example, once a view is settled. */
  cursor: Cursor;
  /** What was last given to be saved, or came from a checkpoint. */
  saved: GivenState | undefined;
  /** Begins no other step, but one with each who copies its state, or with others that leave too. */
  isLeaving: boolean;
  /** The newest view known of the run, also one that this process saw in an earlier life of the member. */
  newestView: View | undefined;
}

export function newMemory(newestView?: View): Memory {
  return {
    appliedStep: -1,
    agreedStep: -1,
    divergence: undefined,
    pending: undefined,
    cursor: { epoch: 0, index: 0 },
    saved: undefined,
    isLeaving: false,
    newestView,
  };
}
