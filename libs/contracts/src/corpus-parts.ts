import type { CorpusConfig, RunConfig } from './run-config.ts';

/** A place that text is read from. */
export interface CorpusPart {
  /** Undefined where there is only this one. */
  readonly name: string | undefined;
  readonly path: string;
}

/** The places of a corpus, by name; of a ready dataset its own. */
export function corpusPartsOf({
  path,
  parts,
  dataset,
}: Pick<CorpusConfig, 'path' | 'parts' | 'dataset'>): readonly CorpusPart[] {
  if (parts === undefined) return [{ name: undefined, path: path ?? dataset ?? '' }];
  return parts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Where a corpus is, for people. */
export function corpusText(corpus: Pick<CorpusConfig, 'path' | 'parts' | 'dataset'>): string {
  return corpusPartsOf(corpus)
    .map(({ path }) => path)
    .join(', ');
}

/**
 * How much of the tokens of a phase comes from each part, for people: "books 75 %, web 25 %"; undefined of a run that reads all
 * text as much as there is of each.
 * @param phaseNumber - from 1 on
 */
export function corpusWeightsText(
  { examples, phases = [] }: Pick<RunConfig, 'examples' | 'phases'>,
  phaseNumber: number,
): string | undefined {
  if ([examples, ...phases].every((one) => one.corpusWeights === undefined)) return undefined;
  const weights = phases[phaseNumber - 1]?.corpusWeights ?? examples.corpusWeights;
  if (weights === undefined) return 'all text';
  const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
  return Object.entries(weights)
    .map(([name, weight]) => `${name} ${Number(((100 * weight) / sum).toPrecision(3))} %`)
    .join(', ');
}
