import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { encodeDocumentShard, openDocumentShard } from './document-shard.ts';
import type { TokenDocuments } from './token-documents.ts';

const sentence = fc.array(fc.nat(0xffff), { maxLength: 9 });
const someDocuments = fc.array(fc.array(sentence, { maxLength: 6 }), { maxLength: 8 });
const corrupt = expect.objectContaining({ code: 'DATA_SHARD_CORRUPT' }) as Error;

function unpack({ tokens, sentenceStarts, documentStarts }: TokenDocuments): number[][][] {
  const sentences = Array.from(sentenceStarts.subarray(1), (end, s) => [
    ...tokens.subarray(sentenceStarts[s], end),
  ]);
  return Array.from(documentStarts.subarray(1), (end, d) =>
    sentences.slice(documentStarts[d], end),
  );
}

describe('document shards', () => {
  it('give back their documents, less sentences and documents without tokens', () => {
    fc.assert(
      fc.property(someDocuments, fc.nat(3), (documents, shift) => {
        const bytes = encodeDocumentShard(documents);
        const moved = new Uint8Array(bytes.length + shift).subarray(shift);
        moved.set(bytes);
        const expected = documents
          .map((document) => document.filter(({ length }) => length > 0))
          .filter(({ length }) => length > 0);
        expect(unpack(openDocumentShard(moved, 'a shard'))).toEqual(expected);
      }),
    );
  });

  it('are refused when cut short or when their header is not theirs', () => {
    fc.assert(
      fc.property(someDocuments, fc.nat(), (documents, at) => {
        const bytes = new Uint8Array(encodeDocumentShard(documents));
        expect(() => openDocumentShard(bytes.slice(0, at % bytes.length), 'x')).toThrow(corrupt);
        for (const word of [0, 1, 2, 3, 4, 5]) {
          const changed = bytes.slice();
          new Uint32Array(changed.buffer)[word]! += 1;
          expect(() => openDocumentShard(changed, 'x')).toThrow(corrupt);
        }
      }),
    );
  });

  it('are refused when a length points outside, and never read beyond their bytes', () => {
    const bytes = new Uint8Array(encodeDocumentShard([[[1, 2, 3], [4]], [[5, 6]]]));
    for (const word of [8, 9, 10]) {
      const changed = bytes.slice();
      new Uint32Array(changed.buffer)[word] = 0xffff_fff0;
      expect(() => openDocumentShard(changed, 'x')).toThrow(corrupt);
    }
  });
});
