import { allReduceDtypes } from '@berth/contracts';
import { expect, it } from 'vitest';
import { flipBits } from './testing/flip-bits.ts';

it.each(allReduceDtypes)(
  'a bit that changes on its way never ends in a sum, in %s',
  async (dtype) => {
    const numFlips = 60;
    const { numRight, numWrong, refusals } = await flipBits(dtype, numFlips, 7);
    const numRefused = [...refusals.values()].reduce((sum, count) => sum + count, 0);
    // The sender of the damaged bytes may have its sum already.
    expect({ numWrong, numRefused }).toEqual({ numWrong: 0, numRefused: numFlips });
    expect(numRight).toBeLessThanOrEqual(numFlips);
    for (const refusal of refusals.keys()) expect(refusal).toMatch(/^COLLECTIVE_PROTOCOL: /);
  },
);
