import { wires } from '@berth/contracts';
import { expect, it } from 'vitest';
import { flipBits } from './testing/flip-bits.ts';

it.each(wires)(
  '1,000 changed bits, none in a sum, with a %s wire',
  { timeout: 600_000 },
  async (wire) => {
    const { numWrong, refusals } = await flipBits(wire, 1000, 1);
    const numRefused = [...refusals.values()].reduce((sum, count) => sum + count, 0);
    expect({ numWrong, numRefused }).toEqual({ numWrong: 0, numRefused: 1000 });
  },
);
