import { parseRunConfig, phasesOf, type Cursor } from '@berth/contracts';
import { expect, it } from 'vitest';
import type { ExampleSource, StepExamples } from './example-source.ts';
import { ExamplesAhead } from './examples-ahead.ts';
import { createPhasedSource } from './phased-source.ts';

const config = parseRunConfig(
  {
    name: 'r',
    corpus: { path: 'c' },
    phases: [
      { numSteps: 2, maxSeqLength: 64 },
      { numSteps: 2, maxSeqLength: 64, globalBatch: 512 },
      { numSteps: 2, maxSeqLength: 128 },
    ],
  },
  'test',
);

/** Epochs of a thousand examples. */
const source = createPhasedSource(phasesOf(config), ({ globalBatch }): ExampleSource => {
  return {
    at: async (from) => {
      const position = from.epoch * 1_000 + from.index + globalBatch;
      const to = { epoch: Math.floor(position / 1_000), index: position % 1_000 };
      return { from, to, numExamples: globalBatch } as StepExamples;
    },
  };
});

const expected = [
  [0, 0, 256],
  [0, 256, 256],
  [0, 512, 512],
  [1, 24, 512],
  // Other examples: what is left of epoch 1 is passed over.
  [2, 0, 256],
  [2, 256, 256],
];

async function walk(fromStep: number, start: Cursor): Promise<number[][]> {
  const ahead = new ExamplesAhead(source);
  const found: number[][] = [];
  let cursor = start;
  for (let step = fromStep; step < 6; step++) {
    const { from, to, numExamples } = await ahead.read(cursor, step, step === 5);
    found.push([from.epoch, from.index, numExamples]);
    cursor = to;
  }
  return found;
}

it('gives each step the examples of its phase, in one order without a gap inside an epoch', async () => {
  expect(await walk(0, { epoch: 0, index: 0 })).toEqual(expected);
});

it('goes on at the first step of a phase as if it had come there', async () => {
  expect(await walk(4, { epoch: 1, index: 536 })).toEqual(expected.slice(4));
  expect(await walk(2, { epoch: 0, index: 512 })).toEqual(expected.slice(2));
});
