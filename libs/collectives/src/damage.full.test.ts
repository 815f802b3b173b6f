import { allReduceDtypes } from '@berth/contracts';
import { expect, it } from 'vitest';
import { flipBits } from './testing/flip-bits.ts';

it.each(allReduceDtypes)(
  '1,000 changed bits, none in a sum, in %s',
  { timeout: 600_000 },
  async (dtype) => {
    const { numWrong, refusals } = await flipBits(dtype, 1000, 1);
    const numRefused = [...refusals.values()].reduce((sum, count) => sum + count, 0);
    expect({ numWrong, numRefused }).toEqual({ numWrong: 0, numRefused: 1000 });
  },
);
