import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Example } from './example.ts';
import { generateGoogleExamples } from './google-examples.ts';
import { defaultSettings, goldenBytes, goldenExcerpt } from '../../testing/example-fixture.ts';

interface PlainExample {
  readonly ids: number[];
  readonly segmentIds: number[];
  readonly maskedPositions: number[];
  readonly maskedLabels: number[];
  readonly isRandomNext: 0 | 1;
}

interface GoldenConfig {
  readonly config: {
    readonly maxSeqLength: number;
    readonly maxPredictions: number;
    readonly dupeFactor: number;
    readonly shortSeqProb: number;
    readonly wholeWord: boolean;
    readonly seed: number;
  };
  readonly numExamples: number;
  readonly sha256: string;
  readonly first: PlainExample[];
  readonly last: PlainExample;
}

const golden = JSON.parse(new TextDecoder().decode(goldenBytes('google-examples.json'))) as {
  maskedLmProb: number;
  configs: GoldenConfig[];
};
const { documents, vocabulary } = goldenExcerpt();

describe('generateGoogleExamples', () => {
  it.each(golden.configs)('repeats the release bit for bit: $config', (expected) => {
    const { config } = expected;
    const examples = generateGoogleExamples(documents, {
      vocabulary,
      settings: {
        maxSeqLength: config.maxSeqLength,
        maxPredictions: config.maxPredictions,
        maskedLmRatio: golden.maskedLmProb,
        shortSeqRatio: config.shortSeqProb,
        masking: config.wholeWord ? 'word' : 'token',
      },
      dupeFactor: config.dupeFactor,
      seed: config.seed,
    }).map(plain);

    expect(examples).toHaveLength(expected.numExamples);
    expect(examples.slice(0, expected.first.length)).toEqual(expected.first);
    expect(examples.at(-1)).toEqual(expected.last);
    expect(digest(examples)).toBe(expected.sha256);
  });

  it('leaves out empty documents and sentences, and labels random also with one document', () => {
    const [only = []] = documents;
    const options = { vocabulary, settings: defaultSettings, dupeFactor: 1, seed: 1 };
    const examples = generateGoogleExamples([[], [[], ...only], [[]]], options);
    expect(examples).toEqual(generateGoogleExamples([only], options));
    expect(examples.some(({ isRandomNext }) => isRandomNext)).toBe(true);
  });
});

function plain(example: Example): PlainExample {
  const segment = (_: number, position: number): number =>
    position < example.numFirstSegment ? 0 : 1;
  return {
    ids: [...example.ids],
    segmentIds: Array.from(example.ids, segment),
    maskedPositions: Array.from(example.maskedPositions),
    maskedLabels: Array.from(example.maskedLabels),
    isRandomNext: example.isRandomNext ? 1 : 0,
  };
}

function digest(examples: readonly PlainExample[]): string {
  const hash = createHash('sha256');
  for (const { ids, segmentIds, maskedPositions, maskedLabels, isRandomNext } of examples) {
    const lists = [ids, segmentIds, maskedPositions, maskedLabels].map((list) => list.join(','));
    hash.update(`${[...lists, isRandomNext].join('|')}\n`);
  }
  return hash.digest('hex');
}
