import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeStatistics, speeches } from '../../testing/example-statistics.ts';
import { defaultSettings, goldenExcerpt } from '../../testing/example-fixture.ts';
import { generateGoogleExamples } from './google-examples.ts';

describe('statistics of many examples', () => {
  describeStatistics(50_000, 1);
});

it("google mode has the bits of the release's script on the whole shipped corpus", () => {
  const { vocabulary } = goldenExcerpt();
  const options = { vocabulary, settings: defaultSettings, dupeFactor: 3, seed: 12_345 };
  const examples = generateGoogleExamples(speeches(1), options);
  const hash = createHash('sha256');
  for (const { ids, numFirstSegment, maskedPositions, maskedLabels, isRandomNext } of examples) {
    const segments = Array.from(ids, (_, position) => Number(position >= numFirstSegment));
    const lists = [ids, segments, maskedPositions, maskedLabels].map((list) =>
      Array.from(list).join(','),
    );
    hash.update(`${[...lists, Number(isRandomNext)].join('|')}\n`);
  }
  // Made by create_pretraining_data.py of google-research/bert (eedf571) under Python 3.11, as the golden examples were.
  expect([examples.length, hash.digest('hex')]).toEqual([
    64_186,
    '5378d2d818339b0e91a642ee15fcc27029502befa55048cc2794fd4c999d4b8a',
  ]);
});
