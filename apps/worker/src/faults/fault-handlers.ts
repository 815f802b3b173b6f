import type { FaultHandlers } from '@berth/faults';
import type { Runtime } from '../threads/runtime.ts';

/** The faults that a worker does to itself when `berth chaos` orders them; see `openFaultDoor`. */
export function faultHandlers({ runtime }: { readonly runtime: Runtime }): FaultHandlers {
  return {
    'device-hang': () => runtime.hangNextCall(),
    'state-flip': async ({ place }) => {
      if (!(await runtime.flipBit(Number(place)))) throw new Error('There is no state to damage');
    },
  };
}
