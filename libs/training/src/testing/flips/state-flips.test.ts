import { numStateSlices } from '@berth/contracts';
import { expect, it } from 'vitest';
import { flipCampaign } from './campaign.ts';
import { initialToyState, ToyEngine } from './toy-engine.ts';

const engines = [new ToyEngine(), new ToyEngine(), new ToyEngine()];

it('a flipped bit of a state is found or leaves no trace, and nothing is saved of it', () => {
  const report = flipCampaign({
    engines,
    start: initialToyState(),
    numSteps: 110,
    saveEvery: 100,
    numFlips: 20,
    seed: 1,
  });
  expect(report.numUnseen).toBe(0);
  expect(report.foundAfter.length).toBeGreaterThan(10);
  expect(report.foundAfter.at(-1)).toBeLessThanOrEqual(numStateSlices);
  expect(report).toMatchObject({ numWrongEnds: 0, numWrongSaves: 0 });
});
