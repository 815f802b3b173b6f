import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { encodeDocumentShard, openDocumentShard, packDocuments } from './document-shard.ts';
import type { TokenDocuments } from './token-documents.ts';

const sentence = fc.array(fc.nat(0xffff), { maxLength: 9 });
const hash = fc.uint8Array({ minLength: 16, maxLength: 16 });
const document = fc.record({ hash, sentences: fc.array(sentence, { maxLength: 6 }) });
const someDocuments = fc.array(document, { maxLength: 8 });
const idBytes = fc.constantFrom(2 as const, 4 as const);
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
      fc.property(someDocuments, idBytes, fc.nat(3), (documents, width, shift) => {
        const bytes = encodeDocumentShard(documents, width);
        const moved = new Uint8Array(bytes.length + shift).subarray(shift);
        moved.set(bytes);
        const expected = documents
          .map((one) => ({ ...one, sentences: one.sentences.filter(({ length }) => length > 0) }))
          .filter(({ sentences }) => sentences.length > 0);
        const opened = openDocumentShard(moved, 'a shard');
        expect(unpack(opened)).toEqual(expected.map(({ sentences }) => sentences));
        expect(Buffer.from(opened.hashes!)).toEqual(Buffer.concat(expected.map((one) => one.hash)));
        expect(opened.tokens.subarray().BYTES_PER_ELEMENT).toBe(width);
      }),
    );
  });

  it('are refused when cut short or when their header is not theirs', () => {
    fc.assert(
      fc.property(someDocuments, idBytes, fc.nat(), (documents, width, at) => {
        const bytes = new Uint8Array(encodeDocumentShard(documents, width));
        expect(() => openDocumentShard(bytes.slice(0, at % bytes.length), 'x')).toThrow(corrupt);
        for (const word of [0, 1, 2, 3, -1, -2, -3, -4]) {
          const changed = bytes.slice();
          const words = new Uint32Array(changed.buffer);
          words[(word + words.length) % words.length]! += 1;
          expect(() => openDocumentShard(changed, 'x')).toThrow(corrupt);
        }
      }),
    );
  });

  it('are refused when a length points outside, and never read beyond their bytes', () => {
    const sentences = [[[1, 2, 3], [4]], [[5, 6]]];
    const documents = sentences.map((one) => ({ hash: new Uint8Array(16), sentences: one }));
    const bytes = new Uint8Array(encodeDocumentShard(documents, 2));
    for (const word of [12, 13, 14]) {
      const changed = bytes.slice();
      new Uint32Array(changed.buffer)[word] = 0xffff_fff0;
      expect(() => openDocumentShard(changed, 'x')).toThrow(corrupt);
    }
  });

  it('hold ids of 32 bits, and are packed with them', () => {
    const sentences = [[70_000, 5], [2 ** 32 - 1]];
    const bytes = encodeDocumentShard([{ hash: new Uint8Array(16), sentences }], 4);
    expect(unpack(openDocumentShard(bytes, 'x'))).toEqual([sentences]);
    expect(unpack(packDocuments([sentences, [[1]]]))).toEqual([sentences, [[1]]]);
  });

  it('of earlier releases are read', () => {
    const bytes = Buffer.from(
      '626572742d646f63010000000300000004000000070000000000000000000000' +
        '020000000300000001000000010002000300040001000000020000000500060001000000' +
        '01000000ffff0000',
      'hex',
    );
    const opened = openDocumentShard(bytes, 'x');
    expect(unpack(opened)).toEqual([[[1, 2, 3], [4]], [[5, 6]], [[65_535]]]);
    expect(opened.hashes).toBeUndefined();
    expect(() => openDocumentShard(bytes.subarray(4), 'x')).toThrow(corrupt);
  });
});
