import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkTable, scanChunks } from './chunk-table.ts';

// These have the same hash, and so have all words that are made of them.
const alike = fc
  .array(fc.constantFrom('Aa', 'BB'), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join(''));
const word = fc.oneof(alike, fc.string({ minLength: 1, maxLength: 8, unit: 'binary' }));

describe('table of chunks', () => {
  it('finds the chunks that it took, and never one for another', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 200 }), (words) => {
        const text = words.join(' ');
        const table = new ChunkTable(100);
        const known: string[] = [];
        scanChunks(text, (from, to, hash) => {
          const chunk = text.slice(from, to);
          const found = table.find(text, from, to, hash);
          expect(found).toBe(known.indexOf(chunk));
          if (found < 0 && table.add(text, from, to, hash) >= 0) known.push(chunk);
        });
        expect(known.length).toBe(table.size);
        expect(known.map((_, chunk) => table.textOf(chunk))).toEqual(known);
      }),
    );
  });

  it('scans what lies between spaces and line ends', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.constantFrom(' ', '\t', '\r\n'))), (parts) => {
        const text = parts.join('');
        const scanned: string[] = [];
        scanChunks(text, (from, to) => scanned.push(text.slice(from, to)));
        expect(scanned).toEqual(text.split(/[\t\n\r ]+/).filter((chunk) => chunk !== ''));
      }),
    );
  });
});
