import { describe, expect, it } from 'vitest';
import { coverageOf, createCoverageMeter } from './coverage.ts';
import { packDocuments } from './document-shard.ts';
import { generateExamples } from '../tasks/pretraining/generate.ts';
import { defaultSettings, goldenExcerpt } from '../testing/example-fixture.ts';
import type { TokenSentences } from './token-documents.ts';

const { documents: excerpt, vocabulary } = goldenExcerpt();

/** The share of distinct tokens that are in an example of epoch 0, when each token has an id of its own. */
function trueShare(documents: readonly TokenSentences[], maxSeqLength: number): number {
  let next = 10;
  const numbered = documents.map((document) =>
    document.map((sentence) => sentence.map(() => next++)),
  );
  const tokens = Array.from({ length: next }, (_, id) => `t${id}`);
  const settings = { ...defaultSettings, maxSeqLength, shortSeqRatio: 0 };
  const seen = new Set<number>();
  const special = { clsId: 0, sepId: 1, maskId: 2 };
  for (const { ids, maskedPositions, maskedLabels } of generateExamples({
    documents: packDocuments(numbered),
    vocabulary: { tokens, ...special },
    settings,
    split: 'train',
    seed: 1,
    epoch: 0,
    shard: 0,
  })) {
    const original = [...ids];
    for (let i = 0; i < maskedPositions.length; i++)
      original[maskedPositions[i] ?? 0] = maskedLabels[i] ?? 0;
    for (const id of original) if (id >= 10) seen.add(id);
  }
  return seen.size / (next - 10);
}

function measured(documents: readonly TokenSentences[], maxSeqLength: number): number {
  const meter = createCoverageMeter();
  let numTokens = 0;
  for (const document of documents) {
    meter.add(document.map(({ length }) => length));
    for (const { length } of document) numTokens += length;
  }
  return (
    coverageOf([meter.numCovered], numTokens).find((entry) => entry.maxSeqLength === maxSeqLength)
      ?.ratio ?? NaN
  );
}

describe('coverage', () => {
  const joined = excerpt.map((document) => [document.flat()]);
  it.each([
    ['prose', excerpt, 32],
    ['prose', excerpt, 128],
    ['documents of one sentence', joined, 32],
    ['documents of one sentence', joined, 128],
  ])('is near the share of tokens in examples: %s', (_case, documents, maxSeqLength) => {
    expect(vocabulary.tokens.length).toBeGreaterThan(0);
    expect(
      Math.abs(measured(documents, maxSeqLength) - trueShare(documents, maxSeqLength)),
    ).toBeLessThan(0.15);
  });
});
