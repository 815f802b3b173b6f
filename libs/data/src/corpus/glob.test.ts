import { describe, expect, it } from 'vitest';
import { parseGlob } from './glob.ts';

describe('glob', () => {
  it('is nothing special without wildcards', () => {
    expect(parseGlob('data/a[1].txt')).toBeUndefined();
  });

  it.each([
    ['*.txt', '.', false],
    ['data/*.txt', 'data', false],
    ['/data/*.txt', '/data', false],
    ['/*.txt', '/', false],
    ['data/**/*.txt', 'data', true],
    ['data/**', 'data', true],
    ['data/*/a.txt', 'data', true],
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
  ])('%s', (path, matching, others) => {
    const glob = parseGlob(path);
    const matches = (name: string): boolean => glob?.pattern.test(name) ?? false;
    expect(matching.filter(matches)).toEqual(matching);
    expect(others.filter(matches)).toEqual([]);
  });
});
