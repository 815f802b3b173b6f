import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parseRunConfig, phasesOf, sha256Hex } from '@berth/contracts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitSentences } from '../../corpus/split-sentences.ts';
import { createTokenizer } from '../../text/tokenizer.ts';
import { packDocuments } from '../../dataset/document-shard.ts';
import type { Example } from './example.ts';
import { encodeExampleShard } from './example-shard.ts';
import { generateExamples, type GenerateOptions } from './generate.ts';
import { numPredictionsFor } from './masking.ts';
import type { ExampleSettings } from './settings.ts';
import { defaultSettings, goldenExcerpt } from '../../testing/example-fixture.ts';

const { documents: excerpt, vocabulary } = goldenExcerpt();
const ofExcerpt: GenerateOptions = {
  documents: packDocuments(excerpt),
  vocabulary,
  settings: defaultSettings,
  split: 'train',
  seed: 12_345,
  epoch: 0,
  shard: 0,
};

function digestOfExamples(options: GenerateOptions): string {
  const facts = { exampleSetId: '0'.repeat(64), ...options.settings };
  return sha256Hex(encodeExampleShard(generateExamples(options), facts));
}

describe('generateExamples', () => {
  it('keeps its stream to the bit', () => {
    expect(digestOfExamples(ofExcerpt)).toBe(
      'b3e920531f0d71e1f90182d08e56e49b28c4bc0b2616c31a3b2ed8c7a8e81fc8',
    );
    expect(digestOfExamples({ ...ofExcerpt, split: 'heldOut' })).toBe(
      'f5e1ea559f443c69a963f0514aa07b06dd17dfbfe34384561f4df3e9ffc5dd17',
    );
  });

  it('gives other examples for another seed, epoch or shard', () => {
    const variants = [{}, { seed: 1 }, { epoch: 1 }, { shard: 1 }, { split: 'heldOut' as const }];
    const digests = variants.map((variant) => digestOfExamples({ ...ofExcerpt, ...variant }));
    expect(new Set(digests).size).toBe(variants.length);
  });

  it('gives the same held-out examples for every seed', () => {
    const heldOut = { ...ofExcerpt, split: 'heldOut' as const };
    expect(digestOfExamples({ ...heldOut, seed: 1 })).toBe(digestOfExamples(heldOut));
  });

  it('has the statistics of the release on the demo corpus', () => {
    const counts = { examples: 0, random: 0, predictions: 0, mask: 0, kept: 0, replaced: 0 };
    for (const example of demoExamples()) {
      counts.examples += 1;
      counts.random += example.isRandomNext ? 1 : 0;
      counts.predictions += example.maskedPositions.length;
      for (let i = 0; i < example.maskedPositions.length; i++) {
        const id = example.ids[example.maskedPositions[i] ?? -1];
        if (id === vocabulary.maskId) counts.mask += 1;
        else if (id === example.maskedLabels[i]) counts.kept += 1;
        else counts.replaced += 1;
      }
    }
    expect(counts.examples).toBeGreaterThan(15_000);
    expectWithin(counts.random / counts.examples, 0.53, 0.56);
    expectWithin(counts.predictions / counts.examples, 17.7, 18.2);
    expectWithin(counts.mask / counts.predictions, 0.795, 0.805);
    expectWithin(counts.kept / counts.predictions, 0.095, 0.105);
    expectWithin(counts.replaced / counts.predictions, 0.095, 0.105);
  });
});

it('masks the share that each phase of a run says', () => {
  const given = [
    { numSteps: 5, maskedLmRatio: 0.3, maxPredictions: 39 },
    { numSteps: 5, maskedLmRatio: 0.05 },
    { numSteps: 5 },
  ];
  const config = parseRunConfig({ name: 'a', corpus: { path: 'b' }, phases: given }, 'test');
  const shares = phasesOf(config).map(({ examples: settings }) => {
    const sum = { tokens: 0, masked: 0 };
    for (const example of generateExamples({ ...ofExcerpt, settings })) {
      sum.tokens += example.ids.length;
      sum.masked += example.maskedPositions.length;
    }
    return sum.masked / sum.tokens;
  });
  for (const [index, share] of [0.3, 0.05, 0.15].entries())
    expect(Math.abs(shares[index]! - share)).toBeLessThan(0.01);
});

// Ids that occur once tell where each token of an example comes from; 0-4 are special.
const uniqueDocuments = fc
  .array(fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 7 }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((documents) => {
    let id = 5;
    return documents.map((lengths) => lengths.map((length) => Array.from({ length }, () => id++)));
  });
const toyVocabulary = {
  tokens: Array.from({ length: 400 }, (_, id) => `${id % 3 === 0 ? '##' : ''}${id}`),
  clsId: 2,
  sepId: 3,
  maskId: 4,
};

describe('the text of an example', () => {
  it('is two stretches of documents, the second labelled truly, within the length', () => {
    fc.assert(
      fc.property(
        uniqueDocuments,
        fc.integer({ min: 8, max: 40 }),
        fc.constantFrom('token', 'word', 'span'),
        fc.nat(),
        (documents, maxSeqLength, masking, seed) => {
          const settings = { ...defaultSettings, maxSeqLength, masking };
          for (const example of generateToy(documents, settings, seed)) {
            const ids = originalIds(example);
            const a = ids.slice(1, example.numFirstSegment - 1);
            const b = ids.slice(example.numFirstSegment, -1);
            const layout = [2, ...a, 3, ...b, 3];
            expect(ids).toEqual(layout);
            expect(ids.length).toBeLessThanOrEqual(maxSeqLength);
            const [aDocument, bDocument] = [a, b].map((part) => documentOf(part, documents));
            const followsA = bDocument === aDocument && (b[0] ?? 0) > (a.at(-1) ?? Infinity);
            const isElsewhere = bDocument !== aDocument || documents.length === 1;
            expect(example.isRandomNext ? isElsewhere : followsA).toBe(true);

            const limit = numPredictionsFor(ids.length, settings);
            const numMasked = example.maskedPositions.length;
            expect(numMasked).toBeLessThanOrEqual(limit);
            expect(masking !== 'token' || numMasked === limit).toBe(true);
          }
        },
      ),
    );
  });

  it('covers every sentence as A or as a real next when nothing is cut', () => {
    fc.assert(
      fc.property(uniqueDocuments, fc.nat(), (documents, seed) => {
        const settings = { ...defaultSettings, maxSeqLength: 512 };
        const used = new Set(generateToy(documents, settings, seed).flatMap(originalIds));
        for (const id of documents.flat(2)) expect(used).toContain(id);
      }),
    );
  });

  it('never labels the continuation random, even in a shard of one document', () => {
    fc.assert(
      fc.property(uniqueDocuments, fc.nat(), ([document = []], seed) => {
        const settings = { ...defaultSettings, maxSeqLength: 512 };
        for (const example of generateToy([document], settings, seed)) {
          const ids = originalIds(example);
          const endOfA = ids[example.numFirstSegment - 2] ?? NaN;
          expect(ids[example.numFirstSegment] === endOfA + 1).toBe(!example.isRandomNext);
        }
      }),
    );
  });

  it('masks the pieces of a word together', () => {
    fc.assert(
      fc.property(
        uniqueDocuments,
        fc.constantFrom('word', 'span'),
        fc.nat(),
        (documents, masking, seed) => {
          const settings = { ...defaultSettings, maskedLmRatio: 0.4, masking };
          for (const example of generateToy(documents, settings, seed)) {
            const ids = originalIds(example);
            const masked = new Set(Array.from(example.maskedPositions));
            for (let position = 2; position < ids.length - 1; position++) {
              const isPiece = toyVocabulary.tokens[ids[position] ?? 0]?.startsWith('##') === true;
              if (!isPiece || position === example.numFirstSegment - 1) continue;
              const before = position === example.numFirstSegment ? position - 2 : position - 1;
              expect(masked.has(position)).toBe(masked.has(before));
            }
          }
        },
      ),
    );
  });
});

describe('numPredictionsFor', () => {
  it('rounds halves to even, predicts at least one and at most the limit', () => {
    const lengths = [5, 10, 30, 70, 110, 128, 150, 512];
    const settings = { ...defaultSettings, maxPredictions: 76 };
    expect(lengths.map((length) => numPredictionsFor(length, settings))).toEqual([
      1, 2, 4, 10, 16, 19, 22, 76,
    ]);
  });
});

function generateToy(documents: number[][][], settings: ExampleSettings, seed: number): Example[] {
  const packed = packDocuments(documents);
  const vocabulary = toyVocabulary;
  return [...generateExamples({ ...ofExcerpt, documents: packed, vocabulary, settings, seed })];
}

function originalIds({ ids, maskedPositions, maskedLabels }: Example): number[] {
  const original = [...ids];
  for (let i = 0; i < maskedPositions.length; i++) {
    original[maskedPositions[i] ?? -1] = maskedLabels[i] ?? -1;
  }
  return original;
}

/** The document that holds these ids one after the other. */
function documentOf(ids: readonly number[], documents: readonly number[][][]): number {
  const [first = NaN] = ids;
  expect(ids).toEqual(ids.map((_, i) => first + i));
  const found = documents
    .map((sentences) => sentences.flat())
    .findIndex((flat) => flat.includes(first));
  expect(documents[found]?.flat()).toContain(ids.at(-1));
  return found;
}

/** Eight epochs of every eighth document: chance lengths are drawn by document, so few draws would be noisy. */
function* demoExamples(): Generator<Example, void, undefined> {
  const corpus = new URL('../../../../../corpus/sotu.jsonl.gz', import.meta.url);
  const tokenizer = createTokenizer(vocabulary, { doLowerCase: true });
  const tokenize = (sentence: string): number[] => tokenizer.tokenize(sentence);
  const lines = gunzipSync(readFileSync(corpus)).toString().trimEnd().split('\n');
  const texts = lines
    .filter((_, index) => index % 8 === 0)
    .map((line) => (JSON.parse(line) as { text: string }).text);
  const documents = packDocuments(texts.map((text) => splitSentences(text).map(tokenize)));
  for (let epoch = 0; epoch < 8; epoch++) {
    yield* generateExamples({ ...ofExcerpt, documents, epoch });
  }
}

function expectWithin(value: number, low: number, high: number): void {
  expect(value).toBeGreaterThan(low);
  expect(value).toBeLessThan(high);
}
