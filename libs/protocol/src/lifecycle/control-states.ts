import { controls, type Control, type ControlState, type RunRecord } from '@berth/contracts';
import type { ControlSnapshot } from './control-snapshot.ts';
import { decideControl } from './decide-control.ts';

/** Which controls work now and what each does, or why it does not work. */
export function controlStates(
  nowMs: number,
  record: RunRecord,
  snapshot: ControlSnapshot,
): Record<Control, ControlState> {
  const states = controls.map((control) => {
    const { kind, reason } = decideControl(nowMs, record, snapshot, control);
    return [control, { isEnabled: kind === 'change', reason }] as const;
  });
  return Object.fromEntries(states) as Record<Control, ControlState>;
}
