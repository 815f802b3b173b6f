import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGlob } from './glob.ts';

describe('glob', () => {
  it('is nothing special without wildcards', () => {
    for (const path of ['data/a.txt', 'data/a{1}.txt', 'data/a[.txt', 'data/a],}{.txt'])
      expect(parseGlob(path)).toBeUndefined();
  });

  it.each([
    ['*.txt', '.', false],
    ['data/*.txt', 'data', false],
    ['/data/*.txt', '/data', false],
    ['/*.txt', '/', false],
    ['data/**/*.txt', 'data', true],
    ['data/**', 'data', true],
    ['data/*/a.txt', 'data', true],
    ['data/x{1,2}.txt', 'data', false],
    ['s3://bucket/data/[ab]/c.txt', 's3://bucket/data', true],
  ])('%s looks in %s', (path, base, isDeep) => {
    expect(parseGlob(path)).toMatchObject({ base, isDeep });
  });

  it.each([
    ['d/*.txt', ['a.txt', '日.txt'], ['b/a.txt', 'atxt', 'a.txt.gz', '.a.txt']],
    ['d/**/*.txt', ['a.txt', 'b/c/a.txt'], ['.git/a.txt', 'b/.a.txt', 'a.jsonl']],
    ['d/**', ['a', 'b/c'], ['.a', 'b/.c/d']],
    ['d/a?(1)+*', ['ab(1)+', 'ab(1)+x'], ['a(1)+', 'ab1+', 'a/(1)+']],
    ['d/*/x-*.jsonl', ['a/x-1.jsonl'], ['x-1.jsonl', 'a/b/x-1.jsonl']],
    ['d/**/raw/*', ['raw/a', 'b/raw/a'], ['raw', 'b/a']],
    ['d/part-[0-9][!a-c].txt', ['part-0d.txt', 'part-9-.txt'], ['part-0a.txt', 'part-xd.txt', 'part-0.txt']],
    ['d/[^a]*[]x-]', ['b]', 'bx', '日-'], ['a]', '.x', 'by']],
    ['d/[a.txt*', ['[a.txt', '[a.txt.gz'], ['a.txt']],
    ['d/{en,de/x}/*.{txt,jsonl}', ['en/a.txt', 'de/x/b.jsonl'], ['en/a.csv', 'de/a.txt', 'fr/a.txt']],
    ['d/a{b,c{d,}}{1}', ['ab{1}', 'acd{1}', 'ac{1}'], ['a{1}', 'ab1']],
  ])('%s', (path, matching, others) => {
    const glob = parseGlob(path);
    const matches = (name: string): boolean => glob?.matches(name) ?? false;
    expect(matching.filter(matches)).toEqual(matching);
    expect(others.filter(matches)).toEqual([]);
  });

  it.each([
    ['stars', `d/${'*a'.repeat(40)}b`, 'a'.repeat(250)],
    ['question marks and stars', `d/${'?*'.repeat(60)}b`, 'a'.repeat(250)],
    ['folders', `d/${'**/a/'.repeat(40)}b`, 'a/'.repeat(120)],
  ])('takes no longer for many %s', (_case, path, name) => {
    const before = process.cpuUsage();
    expect(parseGlob(path)?.matches(name)).toBe(false);
    // A matcher that tries every way never ends.
    expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
  });

  it('refuses braces that stand for very many paths', () => {
    expect(() => parseGlob('{a,b}'.repeat(30))).toThrow('more than 1024 paths');
    expect(parseGlob('{'.repeat(50_000))).toBeUndefined();
  });

  it('matches as the definition says', () => {
    const letters = fc.constantFrom('a', 'b', '.', '日');
    const name = fc.string({ unit: letters, minLength: 1, maxLength: 4 });
    const part = fc.oneof(
      fc.constant('**'),
      fc.string({ unit: fc.oneof(letters, fc.constantFrom('*', '?')), minLength: 1, maxLength: 5 }),
    );
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.array(name, { minLength: 1, maxLength: 4 }),
        (parts, names) => {
          const path = ['*', ...parts].join('/');
          const tried = ['a', ...names].join('/');
          expect(parseGlob(path)?.matches(tried)).toBe(asRegExp(path).test(tried));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

/** The definition, in words that backtrack. */
function asRegExp(path: string): RegExp {
  const parts = path.split('/');
  const sources = parts.map((part, index) => {
    const end = index === parts.length - 1 ? '' : '/';
    if (part === '**') return `(?:(?!\\.)[^/]+/)*${end === '' ? '(?!\\.)[^/]+' : ''}`;
    const name = part.replaceAll('.', '\\.').replaceAll('*', '[^/]*').replaceAll('?', '[^/]');
    return (/^[*?]/.test(part) ? '(?!\\.)' : '') + name + end;
  });
  return new RegExp(`^${sources.join('')}$`, 'u');
}
