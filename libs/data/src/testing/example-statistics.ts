import { gunzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { splitSentences } from '../corpus/split-sentences.ts';
import { packDocuments } from '../dataset/document-shard.ts';
import type { TokenSentences } from '../dataset/token-documents.ts';
import type { Example } from '../tasks/pretraining/example.ts';
import { generateExamples } from '../tasks/pretraining/generate.ts';
import { generateGoogleExamples } from '../tasks/pretraining/google-examples.ts';
import { numPredictionsFor } from '../tasks/pretraining/masking.ts';
import type { ExampleSettings } from '../tasks/pretraining/settings.ts';
import { createTokenizer } from '../text/tokenizer.ts';
import type { Vocabulary } from '../text/vocabulary.ts';
import { chiSquare, sameShare, type ChiSquare } from './chi-square.ts';
import { defaultSettings, goldenExcerpt } from './example-fixture.ts';

const { vocabulary } = goldenExcerpt();
const numBins = 20;
/** A sound generator fails a test with fixed seeds with this probability, once and for all. */
const leastChance = 0.001;

/** The n-th, 2n-th ... speech of the shipped corpus. */
export function speeches(every: number): TokenSentences[] {
  const corpus = new URL('../../../../corpus/sotu.jsonl.gz', import.meta.url);
  const tokenizer = createTokenizer(vocabulary, { doLowerCase: true });
  const lines = gunzipSync(readFileSync(corpus)).toString().trimEnd().split('\n');
  return lines
    .filter((_, index) => index % every === 0)
    .map((line) => splitSentences((JSON.parse(line) as { text: string }).text))
    .map((sentences) => sentences.map((sentence) => tokenizer.tokenize(sentence)));
}

function ours(
  documents: readonly TokenSentences[],
  settings: ExampleSettings,
  numExamples: number,
): Example[] {
  const packed = packDocuments(documents);
  const found: Example[] = [];
  const place = { vocabulary, settings, split: 'train', seed: 12_345, shard: 0 } as const;
  for (let epoch = 0; found.length < numExamples; epoch++)
    for (const example of generateExamples({ documents: packed, epoch, ...place }))
      if (found.length < numExamples) found.push(example);
  return found;
}

function googles(
  documents: readonly TokenSentences[],
  settings: ExampleSettings,
  numExamples: number,
): Example[] {
  const make = (dupeFactor: number): Example[] =>
    generateGoogleExamples(documents, { vocabulary, settings, dupeFactor, seed: 12_345 });
  const perPass = make(1).length;
  return make(Math.ceil((1.3 * numExamples) / perPass)).slice(0, numExamples);
}

interface Counts {
  readonly numMasked: number;
  /** Of what is masked: [MASK], as it was, another entry. */
  readonly shares: readonly number[];
  readonly kinds: ChiSquare;
  readonly positions: ChiSquare;
  readonly replacements: ChiSquare;
  readonly predictionsAsAsked: boolean;
  readonly randomNext: readonly [number, number];
}

/** Against what the algorithm says: 80, 10 and 10 %, any position, any entry. */
function countsOf(
  examples: readonly Example[],
  settings: ExampleSettings,
  { tokens, maskId }: Vocabulary,
): Counts {
  const numEntries = tokens.length;
  const kinds = [0, 0, 0];
  const positions = [...Array<number>(numBins).keys()].map(() => 0);
  const expectedPositions = [...positions];
  const drawn = new Float64Array(numEntries);
  const labelsOfDrawn = new Float64Array(numEntries);
  let predictionsAsAsked = true;
  for (const { ids, numFirstSegment, maskedPositions, maskedLabels } of examples) {
    // [CLS], the first [SEP] and the last are no candidates.
    const numCandidates = ids.length - 3;
    const numMasked = maskedPositions.length;
    predictionsAsAsked &&= numMasked === numPredictionsFor(ids.length, settings);
    const binOf = (candidate: number): number => Math.floor((numBins * candidate) / numCandidates);
    for (let candidate = 0; candidate < numCandidates; candidate++)
      expectedPositions[binOf(candidate)]! += numMasked / numCandidates;
    for (let i = 0; i < numMasked; i++) {
      const position = maskedPositions[i]!;
      positions[binOf(position - (position < numFirstSegment ? 1 : 2))]! += 1;
      const [id, label] = [ids[position]!, maskedLabels[i]!];
      if (id === maskId) kinds[0]! += 1;
      else if (id === label) kinds[1]! += 1;
      else {
        kinds[2]! += 1;
        drawn[id]! += 1;
        labelsOfDrawn[label]! += 1;
      }
    }
  }
  const total = kinds[0]! + kinds[1]! + kinds[2]!;
  const byChance = 0.1 / numEntries;
  const shares = [0.8 + byChance, 0.1 + byChance, 0.1 - 2 * byChance];
  return {
    numMasked: total,
    shares: kinds.map((count) => count / total),
    kinds: chiSquare(
      kinds,
      shares.map((share) => share * total),
    ),
    positions: chiSquare(positions, expectedPositions),
    // Of any draw that shows, the entry is neither [MASK] nor the label.
    replacements: chiSquare(
      drawn,
      labelsOfDrawn.map((ofLabel, id) =>
        id === maskId ? 0 : (kinds[2]! - ofLabel) / (numEntries - 2),
      ),
    ),
    predictionsAsAsked,
    randomNext: [examples.filter(({ isRandomNext }) => isRandomNext).length, examples.length],
  };
}

/** A line that `--reporter=verbose` shows. */
function describeCounts(whose: string, counts: Counts): string {
  const percent = (ratio: number): string => `${(100 * ratio).toFixed(2)} %`;
  const [masked, kept, replaced] = counts.shares.map(percent);
  const [kinds, positions, entries] = [counts.kinds, counts.positions, counts.replacements].map(
    ({ p }) => p.toFixed(3),
  );
  const [numRandom, numPairs] = counts.randomNext;
  return (
    `${whose}: ${counts.numMasked} masked: ${masked} [MASK], ${kept} as they were, ${replaced} others, p ${kinds}; ` +
    `p of positions ${positions}, of entries ${entries}; ${percent(numRandom / numPairs)} random next`
  );
}

/** Our examples beside those of google mode, which is the release's script bit for bit. */
export function describeStatistics(numExamples: number, every: number): void {
  it(`${numExamples} examples have the shares of the release's, and all draws are even`, async ({
    annotate,
  }) => {
    const documents = speeches(every);
    const settings = defaultSettings;
    const found = [ours, googles].map((make) =>
      countsOf(make(documents, settings, numExamples), settings, vocabulary),
    );
    for (const [index, counts] of found.entries())
      await annotate(describeCounts(index === 0 ? 'berth' : 'Google', counts));
    for (const { kinds, positions, replacements, predictionsAsAsked } of found) {
      expect(predictionsAsAsked).toBe(true);
      for (const { p } of [kinds, positions, replacements]) expect(p).toBeGreaterThan(leastChance);
    }
  });

  it(`${numExamples} examples have as many random next segments as the release's`, async ({
    annotate,
  }) => {
    const documents = speeches(every);
    // A short target is drawn for a whole document: with any, a few draws would decide the share.
    const settings = { ...defaultSettings, shortSeqRatio: 0 };
    const [own, google] = [ours, googles].map(
      (make) => countsOf(make(documents, settings, numExamples), settings, vocabulary).randomNext,
    );
    const { p } = sameShare(own!, google!);
    const [mine, theirs] = [own!, google!].map(
      ([some, all]) => `${((100 * some) / all).toFixed(2)} %`,
    );
    await annotate(
      `random next segments: berth ${mine}, Google ${theirs}, p of the same share ${p.toFixed(3)}`,
    );
    expect(p).toBeGreaterThan(leastChance);
  });
}
