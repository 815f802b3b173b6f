/** How often a class was found, missed, and seen where it is not. */
export interface Counts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

/** Each is 0 where it is a ratio of nothing to nothing, as in scikit-learn and seqeval. */
export interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** How often the class is there. */
  readonly support: number;
}

export interface Averages {
  /** Of all classes counted together. */
  readonly micro: Scores;
  /** The mean over the classes, each as much as the others. */
  readonly macro: Scores;
  /** The mean over the classes, each by its support. */
  readonly weighted: Scores;
}

/** Precision, recall and F1 of one class. */
export function scoresOf({ truePositives, falsePositives, falseNegatives }: Counts): Scores {
  const numPredicted = truePositives + falsePositives;
  const support = truePositives + falseNegatives;
  return {
    precision: ratio(truePositives, numPredicted),
    recall: ratio(truePositives, support),
    f1: ratio(2 * truePositives, numPredicted + support),
    support,
  };
}

/** F1 of one class: what F1 of a binary classification is of its positive class. */
export function f1(counts: Counts): number {
  return scoresOf(counts).f1;
}

/** The averages over classes; all 0 without any. */
export function averageScores(classes: readonly Counts[]): Averages {
  const total = (key: keyof Counts): number =>
    classes.reduce((sum, counts) => sum + counts[key], 0);
  const micro = scoresOf({
    truePositives: total('truePositives'),
    falsePositives: total('falsePositives'),
    falseNegatives: total('falseNegatives'),
  });
  const scores = classes.map(scoresOf);
  return {
    micro,
    macro: meanOf(scores, () => 1),
    weighted: meanOf(scores, ({ support }) => support),
  };
}

function meanOf(classes: readonly Scores[], weightOf: (scores: Scores) => number): Scores {
  const sum = (valueOf: (scores: Scores) => number): number =>
    classes.reduce((total, scores) => total + valueOf(scores), 0);
  const mean = (key: 'precision' | 'recall' | 'f1'): number =>
    ratio(
      sum((scores) => weightOf(scores) * scores[key]),
      sum(weightOf),
    );
  return {
    precision: mean('precision'),
    recall: mean('recall'),
    f1: mean('f1'),
    support: sum(({ support }) => support),
  };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
