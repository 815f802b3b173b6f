import { controls, type Control, type ControlState, type RunRecord } from '@berth/contracts';
import type { ControlSight } from './control-sight.ts';
import { decideControl } from './decide-control.ts';

/** Which controls work now and what each does, or why it does not work. */
export function controlStates(
  nowMs: number,
  record: RunRecord,
  sight: ControlSight,
): Record<Control, ControlState> {
  const states = controls.map((control) => {
    const { kind, reason } = decideControl(nowMs, record, sight, control);
    return [control, { isEnabled: kind === 'change', reason }] as const;
  });
  return Object.fromEntries(states) as Record<Control, ControlState>;
}
