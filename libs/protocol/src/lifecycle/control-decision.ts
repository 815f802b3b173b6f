import type { ControlRequest, RunRecord } from '@berth/contracts';
import type { ControlSnapshot } from './control-snapshot.ts';

export type RunChange = Partial<Omit<RunRecord, 'runId'>>;

/** What a control does to a run; the reason is for people, before and after it is used. */
export type ControlDecision =
  | { readonly kind: 'change'; readonly change: RunChange; readonly reason: string }
  /** It has been done, or is on its way: asking again changes nothing. */
  | { readonly kind: 'same'; readonly reason: string }
  | {
      readonly kind: 'refuse';
      readonly code: 'RUN_STATE_CONFLICT' | 'CHECKPOINT_NOT_FOUND';
      readonly reason: string;
      /** The command that does it in a run of its own, where one can. */
      readonly fork?: string;
    };

/** What there is to decide by. */
export interface ControlQuestion {
  readonly nowMs: number;
  readonly record: RunRecord;
  readonly snapshot: ControlSnapshot;
  readonly request: ControlRequest;
}

export function change(reason: string, changes: RunChange): ControlDecision {
  return { kind: 'change', change: changes, reason };
}

export function refuse(reason: string): ControlDecision {
  return { kind: 'refuse', code: 'RUN_STATE_CONFLICT', reason };
}
