import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packDocuments } from '../dataset/document-shard.ts';
import { numDocumentsOf, sentencesOf } from '../dataset/token-documents.ts';
import { changedDocuments, withoutDocuments } from './replace-documents.ts';

const lengths = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });
/** Documents of which every token is another. */
const shards = fc.array(lengths, { minLength: 1, maxLength: 8 }).map((documents) => {
  let id = 10;
  return packDocuments(
    documents.map((sizes) => sizes.map((size) => Array.from({ length: size }, () => id++))),
  );
});
const filler = 1;

describe('a shard without some documents', () => {
  it('keeps places, lengths and survivors, and nothing of what is forgotten', () => {
    fc.assert(
      fc.property(shards, fc.array(fc.nat(7)), (before, chosen) => {
        const numDocuments = numDocumentsOf(before);
        const forgotten = new Set(chosen.map((document) => document % numDocuments));
        const after = withoutDocuments(before, forgotten, filler);
        expect(after.sentenceStarts).toBe(before.sentenceStarts);
        expect(after.documentStarts).toBe(before.documentStarts);
        const [were, are] = [[...sentencesOf(before)], [...sentencesOf(after)]];
        const survivors = were.filter((_, document) => !forgotten.has(document)).flat(2);
        const isKept = (_: unknown, document: number): boolean => !forgotten.has(document);
        expect(are.filter(isKept)).toEqual(were.filter(isKept));
        const inTheirPlace = are.filter((_, document) => forgotten.has(document)).flat(2);
        const allowed = new Set(survivors.length === 0 ? [filler] : survivors);
        expect(inTheirPlace.filter((token) => !allowed.has(token))).toEqual([]);
        expect(changedDocuments(before, after)).toEqual(forgotten);
      }),
    );
  });

  it('is the same in whichever order they are forgotten', () => {
    fc.assert(
      fc.property(shards, fc.array(fc.nat(7)), fc.nat(7), (before, chosen, one) => {
        const numDocuments = numDocumentsOf(before);
        const first = new Set(chosen.map((document) => document % numDocuments));
        const all = new Set([...first, one % numDocuments]);
        const inTwo = withoutDocuments(withoutDocuments(before, first, filler), all, filler);
        expect(inTwo.tokens).toEqual(withoutDocuments(before, all, filler).tokens);
      }),
    );
  });
});
