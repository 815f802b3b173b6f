import { averageScores, scoresOf, type Averages, type Scores } from '../precision-recall.ts';
import { requireSameLength } from '../same-length.ts';
import { entitiesOf, type Entity } from './entities.ts';
import { strictEntitiesOf, type TagScheme } from './strict-entities.ts';

/** How well entities were found: right are those with the same first word, last word and type. */
export interface EntityReport extends Averages {
  /** By type, sorted. */
  readonly types: ReadonlyMap<string, Scores>;
  /** The share of words with the right tag, those outside of entities too. */
  readonly wordAccuracy: number;
}

/** Counts entities sentence by sentence. */
export interface EntityCounter {
  /** @throws BerthError `INTERNAL` for unequal lengths, `DATA_INPUT_INVALID` for a tag that is none of the scheme's */
  add(truth: readonly string[], predicted: readonly string[]): void;
  report(): EntityReport;
}

/**
 * @param truth - the tags of each sentence
 * @param scheme - counts only what is well-formed in it; without it, as conlleval
 * @throws BerthError as `EntityCounter.add`
 */
export function entityReport(
  truth: readonly (readonly string[])[],
  predicted: readonly (readonly string[])[],
  scheme?: TagScheme,
): EntityReport {
  requireSameLength(truth, predicted, 'sentences');
  const counter = createEntityCounter(scheme);
  for (const [i, tags] of truth.entries()) counter.add(tags, predicted[i]!);
  return counter.report();
}

/** @param scheme - as of `entityReport` */
export function createEntityCounter(scheme?: TagScheme): EntityCounter {
  const find = (tags: readonly string[]): Entity[] =>
    scheme === undefined ? entitiesOf(tags) : strictEntitiesOf(tags, scheme);
  const counts = new Map<
    string,
    { truePositives: number; falsePositives: number; falseNegatives: number }
  >();
  const countsOf = (type: string) => {
    const known = counts.get(type) ?? { truePositives: 0, falsePositives: 0, falseNegatives: 0 };
    counts.set(type, known);
    return known;
  };
  let numWords = 0;
  let numRight = 0;
  return {
    add(tags, guessed) {
      requireSameLength(tags, guessed, 'words of a sentence');
      numWords += tags.length;
      numRight += tags.filter((tag, word) => tag === guessed[word]).length;
      const found = new Set(find(guessed).map(keyOf));
      for (const entity of find(tags)) {
        if (found.delete(keyOf(entity))) countsOf(entity.type).truePositives += 1;
        else countsOf(entity.type).falseNegatives += 1;
      }
      for (const key of found) countsOf(key.slice(key.indexOf(' ') + 1)).falsePositives += 1;
    },
    report() {
      const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
      return {
        ...averageScores(sorted.map(([, one]) => one)),
        types: new Map(sorted.map(([type, one]) => [type, scoresOf(one)])),
        wordAccuracy: numWords === 0 ? 0 : numRight / numWords,
      };
    },
  };
}

function keyOf({ type, start, end }: Entity): string {
  return `${start}-${end} ${type}`;
}
