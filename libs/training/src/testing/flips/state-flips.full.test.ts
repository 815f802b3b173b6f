import { numStateSlices } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { expect, it } from 'vitest';
import { describeCampaign, flipCampaign } from './campaign.ts';
import { RealEngine } from './real-engine.ts';
import { initialToyState, ToyEngine } from './toy-engine.ts';

it('1,000 flipped bits of states', { timeout: 1_800_000 }, () => {
  const report = flipCampaign({
    engines: [new ToyEngine(), new ToyEngine(), new ToyEngine()],
    start: initialToyState(),
    numSteps: 110,
    saveEvery: 100,
    numFlips: 1_000,
    seed: 2,
  });
  console.info(describeCampaign(report));
  // One of a thousand is rounded away after it has contributed: the odds of comparing slices only.
  expect(report.numUnseen).toBeLessThanOrEqual(1);
  expect(report.foundAfter.at(-1)).toBeLessThanOrEqual(numStateSlices);
  expect(report).toMatchObject({ numWrongEnds: 0, numWrongSaves: 0 });
});

it.each(['eager', 'graph'] as const)(
  '6 flipped bits in the %s engine',
  { timeout: 1_800_000 },
  (kind) => {
    const tensorFlow = startTensorFlow({ numThreads: 1 });
    const engines = [0, 1, 2].map(() => new RealEngine(kind, tensorFlow));
    const start = engines[0]!.initialState();
    const report = flipCampaign({
      engines,
      start,
      numSteps: 80,
      saveEvery: 100,
      numFlips: 6,
      seed: 3,
    });
    for (const engine of engines) engine.dispose();
    console.info(`${kind}: ${describeCampaign(report)}`);
    expect(report.numUnseen).toBe(0);
    expect(report.foundAfter.at(-1)).toBeLessThanOrEqual(numStateSlices);
    expect(report).toMatchObject({ numWrongEnds: 0, numWrongSaves: 0 });
  },
);
