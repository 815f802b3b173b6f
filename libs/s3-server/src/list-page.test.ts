import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listPage } from './list-page.ts';

const keys = fc.uniqueArray(
  fc
    .array(fc.constantFrom('a', 'b', '/', '-', '\uffff', '\u{10000}'), {
      minLength: 1,
      maxLength: 6,
    })
    .map((c) => c.join('')),
  { maxLength: 30 },
);

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

describe('listPage', () => {
  it('shows, over all pages, every key once: itself or its common prefix, in byte order', () => {
    fc.assert(
      fc.property(
        keys,
        fc.constantFrom('', '/'),
        fc.integer({ min: 1, max: 7 }),
        (all, delimiter, maxKeys) => {
          const sorted = [...all].sort(byBytes);
          const shown: string[] = [];
          let after = '';
          for (let pages = 0; ; pages++) {
            const page = listPage(sorted, { prefix: '', delimiter, maxKeys, after });
            expect(page.keys.length + page.commonPrefixes.length).toBeLessThanOrEqual(maxKeys);
            shown.push(...[...page.keys, ...page.commonPrefixes].sort(byBytes));
            if (page.next === undefined) break;
            after = page.next;
            expect(pages).toBeLessThan(all.length);
          }
          const groups = all.map((key) =>
            delimiter && key.includes(delimiter) ? key.slice(0, key.indexOf(delimiter) + 1) : key,
          );
          expect(shown).toEqual([...new Set(groups)].sort(byBytes));
        },
      ),
    );
  });

  it('groups behind the prefix only', () => {
    const sorted = ['a/b/1', 'a/b/2', 'a/c', 'a/d/3'];
    expect(listPage(sorted, { prefix: 'a/', delimiter: '/', maxKeys: 10, after: '' })).toEqual({
      keys: ['a/c'],
      commonPrefixes: ['a/b/', 'a/d/'],
      next: undefined,
    });
  });

  it('shows nothing, and ends, for max-keys 0', () => {
    const page = listPage(['a'], { prefix: '', delimiter: '', maxKeys: 0, after: '' });
    expect(page).toEqual({ keys: [], commonPrefixes: [], next: undefined });
  });
});
