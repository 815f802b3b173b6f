import type { CorpusConfig } from './run-config.ts';

/** A place that text is read from. */
export interface CorpusPart {
  /** Undefined where there is only this one. */
  readonly name: string | undefined;
  readonly path: string;
}

/** The places of a corpus, by name. */
export function corpusPartsOf({
  path,
  parts,
}: Pick<CorpusConfig, 'path' | 'parts'>): readonly CorpusPart[] {
  if (parts === undefined) return [{ name: undefined, path: path ?? '' }];
  return parts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Where a corpus is, for people. */
export function corpusText(corpus: Pick<CorpusConfig, 'path' | 'parts'>): string {
  return corpusPartsOf(corpus)
    .map(({ path }) => path)
    .join(', ');
}
