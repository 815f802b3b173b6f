import { createHash } from 'node:crypto';
import { sha256Hex } from '@berth/contracts';
import { expect, it } from 'vitest';
import { packDocuments } from '../../dataset/document-shard.ts';
import {
  hashBytes,
  type TokenDocuments,
  type TokenSentences,
} from '../../dataset/token-documents.ts';
import { defaultSettings, goldenExcerpt } from '../../testing/example-fixture.ts';
import type { ExamplePlace } from './chances.ts';
import type { Example, SourcedExample } from './example.ts';
import { encodeExampleShard } from './example-shard.ts';
import { generateExamples } from './generate.ts';
import { generatePackedExamples } from './generate-packed.ts';

const { documents: excerpt, vocabulary } = goldenExcerpt();
const place = { split: 'train', seed: 12_345, epoch: 0, shard: 0, chancesBy: 'content' } as const;
const settings = { ...defaultSettings, shortSeqRatio: 0.3 };

/** A shard as datasets have it: documents in the order of their hashes. */
function shardOf(documents: readonly TokenSentences[]): TokenDocuments {
  const hashed = documents
    .map((document) => {
      const hash = createHash('sha256').update(JSON.stringify(document)).digest();
      return { document, hash: hash.subarray(0, hashBytes) };
    })
    .sort((a, b) => Buffer.compare(a.hash, b.hash));
  return {
    ...packDocuments(hashed.map(({ document }) => document)),
    hashes: Buffer.concat(hashed.map(({ hash }) => hash)),
  };
}

const bare = ({ sources: _sources, ...example }: SourcedExample): Example => example;
const all = shardOf(excerpt);
const pairsOf = (documents: TokenDocuments, other: Partial<ExamplePlace> = {}): Example[] =>
  Array.from(generateExamples({ documents, vocabulary, settings, ...place, ...other }), bare);
const packedOf = (documents: TokenDocuments, other: Partial<ExamplePlace> = {}): Example[] =>
  Array.from(generatePackedExamples({ documents, vocabulary, settings, ...place, ...other }), bare);
const apart = { ...settings, packAcrossDocuments: false };
const apartOf = (documents: TokenDocuments): Example[] =>
  Array.from(generatePackedExamples({ documents, vocabulary, settings: apart, ...place }), bare);

function digestOf(examples: readonly Example[]): string {
  return sha256Hex(encodeExampleShard(examples, { exampleSetId: '0'.repeat(64), ...settings }));
}

function textOf({ ids, maskedPositions, maskedLabels }: Example): number[] {
  const original = [...ids];
  for (let i = 0; i < maskedPositions.length; i++) original[maskedPositions[i]!] = maskedLabels[i]!;
  return original;
}

it('keep their stream to the bit', () => {
  expect([pairsOf(all), packedOf(all), apartOf(all)].map(digestOf)).toEqual([
    '93f52b3a3d38c0cec537e1ad941abd6c107dfa9bf99c8e20d45619d283df0f61',
    'b922c7da66fa0b7ef9ebc9901dde5475f92d5f96f4135ba758c2765c40cd2b66',
    'ae1ee6c52abbb083f41adac6dae2f7f0a2e99ddee500f67628e282e8a84b1794',
  ]);
});

it('are others for another seed, epoch or time that the shard is read, not for another shard', () => {
  const variants = [{}, { seed: 1 }, { epoch: 1 }, { timesRead: 1 }, { split: 'heldOut' as const }];
  for (const make of [pairsOf, packedOf]) {
    const digests = variants.map((variant) => digestOf(make(all, variant)));
    expect(new Set(digests).size).toBe(variants.length);
    expect(digestOf(make(all, { shard: 5 }))).toBe(digests[0]);
    expect(digestOf(make(all, { split: 'heldOut', seed: 1 }))).toBe(digests.at(-1));
  }
});

it('go by the place where a dataset has no hashes', () => {
  const { hashes: _hashes, ...without } = all;
  for (const make of [pairsOf, packedOf])
    expect(digestOf(make(without))).toBe(digestOf(make(all, { chancesBy: 'place' })));
});

it('of a document stay when others are gone, but for random segments and what makes room for them', () => {
  const few = shardOf(excerpt.filter((_, index) => index % 2 === 0));
  const key = (example: Example): string =>
    [...textOf(example).slice(0, example.numFirstSegment), example.isRandomNext].join();
  const before = new Map(pairsOf(all).map((example) => [key(example), example]));
  const after = pairsOf(few);
  expect(after.length).toBeGreaterThan(30);
  const found = after.flatMap((example) => {
    const other = before.get(key(example));
    return other === undefined ? [] : [{ example, other }];
  });
  const isNext = ({ isRandomNext }: Example): boolean => !isRandomNext;
  const nextOnes = found.filter(({ example }) => isNext(example));
  expect(nextOnes).toHaveLength(after.filter(isNext).length);
  expect(nextOnes.map(({ other }) => other)).toEqual(nextOnes.map(({ example }) => example));
  // A random segment decides what is cut off A.
  expect(found.length).toBeGreaterThan(0.7 * after.length);
});

it('of packed documents stay when others are gone: all where they are apart, their order where they are joined', () => {
  const kept = excerpt.filter((_, index) => index % 2 === 0);
  const few = shardOf(kept);
  const before = new Set(apartOf(all).map((example) => JSON.stringify(example)));
  const after = apartOf(few);
  expect(after.every((example) => before.has(JSON.stringify(example)))).toBe(true);

  const orderOf = (examples: readonly Example[]): number[] => {
    const text = `,${examples.flatMap((example) => textOf(example).slice(1, -1)).join()},`;
    const placeOf = (document: TokenSentences): number =>
      text.indexOf(`,${document.flat().slice(0, 40).join()},`);
    return [...kept.keys()].sort((a, b) => placeOf(kept[a]!) - placeOf(kept[b]!));
  };
  expect(orderOf(packedOf(few))).toEqual(orderOf(packedOf(all)));
});
