import type { FaultHandlers } from '@berth/faults';

/** The faults that a worker does to itself when `berth chaos` orders them; see `openFaultDoor`. */
export function faultHandlers(): FaultHandlers {
  return {};
}
