import { allocateBatch, columnOf, sha256Hex, tasks } from '@berth/contracts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packDocuments } from '../../dataset/document-shard.ts';
import { defaultSettings, goldenExcerpt } from '../../testing/example-fixture.ts';
import type { Example } from './example.ts';
import { encodeExampleShard, openExampleShard } from './example-shard.ts';
import { generatePackedExamples, type PackedOptions } from './generate-packed.ts';
import { documentsInOrder, packedSentences } from './packed-sentences.ts';

const { documents: excerpt, vocabulary } = goldenExcerpt();
const ofExcerpt: PackedOptions = {
  documents: packDocuments(excerpt),
  vocabulary,
  settings: { ...defaultSettings, shortSeqRatio: 0 },
  split: 'train',
  seed: 12_345,
  epoch: 0,
  shard: 0,
};
const apart = { ...ofExcerpt.settings, packAcrossDocuments: false };

function digestOf(options: PackedOptions): string {
  const facts = { exampleSetId: '0'.repeat(64), ...options.settings };
  return sha256Hex(encodeExampleShard(generatePackedExamples(options), facts));
}

/** What the text of an example was before it was masked. */
function unmasked({ ids, maskedPositions, maskedLabels }: Example): number[] {
  const original = [...ids];
  for (let i = 0; i < maskedPositions.length; i++) original[maskedPositions[i]!] = maskedLabels[i]!;
  return original;
}

const lengths = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 7 });
const manyDocuments = fc.array(lengths, { minLength: 1, maxLength: 6 }).map((documents) => {
  let id = 5;
  return documents.map((sizes) => sizes.map((size) => Array.from({ length: size }, () => id++)));
});

describe('packedSentences', () => {
  it('has every token in one example, in order, and fills an example before the next begins', () => {
    fc.assert(
      fc.property(
        manyDocuments,
        fc.integer({ min: 2, max: 20 }),
        fc.boolean(),
        (sentences, numTokens, acrossDocuments) => {
          const documents = packDocuments(sentences);
          const examples = [
            ...packedSentences(documents, {
              order: documentsInOrder(documents),
              numTokens,
              targetOf: () => numTokens,
              acrossDocuments,
            }),
          ];
          const ranges = examples.flat();
          const tokens = ranges.flatMap(({ start, end }) => [
            ...documents.tokens.subarray(start, end),
          ]);
          expect(tokens).toEqual(sentences.flat(2));
          const sizeOf = (example: (typeof examples)[number]): number =>
            example.reduce((sum, { start, end }) => sum + end - start, example.length - 1);
          for (const [index, example] of examples.entries()) {
            expect(sizeOf(example)).toBeLessThanOrEqual(numTokens);
            expect(acrossDocuments || example.length === 1).toBe(true);
            // Whatever begins the next did not fit: a sentence, or as much of one as an example takes.
            const next = acrossDocuments ? examples[index + 1]?.[0] : undefined;
            const ends = [...documents.sentenceStarts, documents.tokens.length];
            const end = next && ends.find((start) => start > next.start);
            const first = next === undefined ? numTokens : Math.min(numTokens, end! - next.start);
            expect(sizeOf(example) + first + 1).toBeGreaterThan(numTokens);
          }
        },
      ),
    );
  });
});

describe('packed examples', () => {
  it('keep their stream to the bit', () => {
    expect([ofExcerpt, { ...ofExcerpt, settings: apart }].map(digestOf)).toEqual([
      'c3a3a3e1bee0fe8e49c037a7078e131bacf266ed338963f450639980dc560604',
      'd7157c115dcf3c054c9b7a4d2efcf567a7b053d7431bbdf3edab2354b67332be',
    ]);
  });

  it('are others for another seed, epoch or shard, held-out ones the same for every seed', () => {
    const variants = [{}, { seed: 1 }, { epoch: 1 }, { shard: 1 }, { split: 'heldOut' as const }];
    const digests = variants.map((variant) => digestOf({ ...ofExcerpt, ...variant }));
    expect(new Set(digests).size).toBe(variants.length);
    const heldOut = { ...ofExcerpt, split: 'heldOut' as const };
    expect(digestOf({ ...heldOut, seed: 1 })).toBe(digestOf(heldOut));
  });

  it('are one segment, with a separator behind each document, and nearly full', () => {
    const examples = [...generatePackedExamples(ofExcerpt)];
    const texts = examples.map(unmasked);
    for (const [index, ids] of texts.entries()) {
      expect(ids[0]).toBe(vocabulary.clsId);
      expect(ids.at(-1)).toBe(vocabulary.sepId);
      expect(examples[index]).toMatchObject({ numFirstSegment: ids.length, isRandomNext: false });
    }
    const all = texts.flat();
    const numText = all.filter((id) => id !== vocabulary.clsId && id !== vocabulary.sepId).length;
    expect(numText).toBe(excerpt.flat(2).length);
    const full = all.length / (examples.length * ofExcerpt.settings.maxSeqLength);
    expect(full).toBeGreaterThan(0.8);
  });

  it('can be shorter, for a share of them', () => {
    const settings = { ...ofExcerpt.settings, shortSeqRatio: 1 };
    const longest = [...generatePackedExamples({ ...ofExcerpt, settings })].map(
      ({ ids }) => ids.length,
    );
    const mean = longest.reduce((sum, length) => sum + length, 0) / longest.length;
    expect(mean).toBeLessThan(90);
  });

  it('are written to a batch without a column for next sentences', () => {
    const facts = { exampleSetId: '0'.repeat(64), ...ofExcerpt.settings };
    const bytes = encodeExampleShard(generatePackedExamples(ofExcerpt), facts);
    const reader = openExampleShard(bytes, sha256Hex(bytes));
    const batch = allocateBatch(tasks.maskedLm, { batchSize: 1, ...ofExcerpt.settings });
    reader.copyInto(batch, 0, 0);
    expect(new Set(columnOf(batch, 'segmentIds'))).toEqual(new Set([0]));
  });
});
