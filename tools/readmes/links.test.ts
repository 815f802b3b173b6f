import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  anchorsOf,
  blocksOf,
  exists,
  packageOf,
  pages,
  paths,
  proseOf,
  root,
  targetOf,
} from './pages.ts';

const source = /\.(?:ts|tsx|mjs|cjs|lua)$/;

function hasAnchor(path: string, anchor: string): boolean {
  const page = pages.find((one) => one.path === path);
  return page !== undefined && anchorsOf(page).includes(anchor);
}

describe('pages', () => {
  it('link to what there is', () => {
    const broken = pages.flatMap((page) =>
      [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
        const target = targetOf(page, link);
        if (target === undefined) return [];
        const { path, anchor } = target;
        const isThere = exists(path) && (anchor === undefined || hasAnchor(path, anchor));
        return isThere ? [] : [`${page.path}: ${link}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('name source files and folders that there are', () => {
    const all = [...paths];
    const missing = pages
      .filter(({ path }) => !path.startsWith('docs/adr/'))
      .flatMap((page) =>
        [...proseOf(page).matchAll(/`([\w@./-]+)`/g)].flatMap(([, name = '']) => {
          const isFolder = /^[\w@-][\w@/-]*\/$/.test(name);
          if (!isFolder && !(source.test(name) && !/^\.\w+$/.test(name))) return [];
          const target = targetOf(page, name)?.path ?? name;
          const within = packageOf(page) ?? '';
          const isThere =
            exists(target) ||
            exists(name) ||
            all.some((path) => path.startsWith(within) && path.endsWith(`/${name}`));
          return isThere ? [] : [`${page.path}: ${name}`];
        }),
      );
    expect(missing).toEqual([]);
  });
});

describe('the README of a package', () => {
  it('has 20 to 60 lines and, of a library, one example at most', () => {
    const readmes = pages.filter(({ path }) => /^(?:libs|apps)\/[^/]+\/README\.md$/.test(path));
    const wrong = readmes.flatMap((page) => {
      const numLines = page.text.split('\n').length - 1;
      const numExamples = blocksOf(page).filter(({ language }) => language === 'ts').length;
      const isRight = numLines >= 20 && numLines <= 60 && numExamples <= 1;
      return isRight ? [] : [`${page.path}: ${numLines} lines, ${numExamples} examples`];
    });
    expect(wrong).toEqual([]);
  });
});

describe('comments', () => {
  it('cite pages and sections that there are', () => {
    const wrong = [...paths]
      .filter((path) => source.test(path))
      .flatMap((path) =>
        [...readFileSync(join(root, path), 'utf8').matchAll(/\bdocs\/[\w/-]+\.md(#[\w-]+)?/g)]
          .filter(([cited]) => {
            const [page = '', anchor] = cited.split('#');
            return !exists(page) || (anchor !== undefined && !hasAnchor(page, anchor));
          })
          .map(([cited]) => `${path}: ${cited}`),
      );
    expect(wrong).toEqual([]);
  });
});
