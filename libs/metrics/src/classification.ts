import { BerthError } from '@berth/contracts';
import type { Counts } from './precision-recall.ts';
import { requireSameLength } from './same-length.ts';

/** Row t, column p: how often class p was predicted where t is true. Matrices of parts add up to that of the whole. */
export type ConfusionMatrix = readonly (readonly number[])[];

/**
 * @param truth - classes, from 0
 * @throws BerthError `INTERNAL` for unequal lengths, or a class that is none
 */
export function confusionMatrix(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  numClasses: number,
): ConfusionMatrix {
  requireSameLength(truth, predicted, 'classes');
  const matrix = Array.from({ length: numClasses }, () =>
    Array.from({ length: numClasses }, () => 0),
  );
  for (let i = 0; i < truth.length; i++) {
    const [row, column] = [matrix[truth[i]!], predicted[i]!];
    if (row?.[column] === undefined)
      throw new BerthError(
        'INTERNAL',
        `class ${row === undefined ? truth[i] : column} is none of 0 to ${numClasses - 1}`,
      );
    row[column] += 1;
  }
  return matrix;
}

/** The share of right predictions; 0 without any. */
export function accuracy(matrix: ConfusionMatrix): number {
  const numAll = sum(matrix.map(sum));
  return numAll === 0 ? 0 : numRightOf(matrix) / numAll;
}

/**
 * The counts of each class; undefined for one that is neither true nor predicted anywhere, which scikit-learn's averages leave
 * out.
 */
export function countsOfClasses(matrix: ConfusionMatrix): (Counts | undefined)[] {
  const numPredicted = columnSums(matrix);
  return matrix.map((row, k) => {
    const truePositives = row[k]!;
    const falsePositives = numPredicted[k]! - truePositives;
    const falseNegatives = sum(row) - truePositives;
    return truePositives + falsePositives + falseNegatives === 0
      ? undefined
      : { truePositives, falsePositives, falseNegatives };
  });
}

/**
 * Matthews' correlation coefficient, of any number of classes; 0 where truth or predictions are all of one class, as in
 * scikit-learn. Formula: Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient".
 */
export function matthews(matrix: ConfusionMatrix): number {
  const numTrue = matrix.map(sum);
  const numPredicted = columnSums(matrix);
  const numAll = sum(numTrue);
  const covariance = (a: readonly number[], b: readonly number[], numSame: number): number =>
    numSame * numAll - sum(a.map((count, k) => count * b[k]!));
  const ofTruth = covariance(numTrue, numTrue, numAll);
  const ofPredictions = covariance(numPredicted, numPredicted, numAll);
  if (ofTruth === 0 || ofPredictions === 0) return 0;
  const ofBoth = covariance(numTrue, numPredicted, numRightOf(matrix));
  return ofBoth / Math.sqrt(ofTruth) / Math.sqrt(ofPredictions);
}

/**
 * The counts of each label where an example may have any of them.
 * @param truth - a row an example, 1 where it has the label and 0 where not
 */
export function countsOfLabels(
  truth: readonly ArrayLike<number>[],
  predicted: readonly ArrayLike<number>[],
  numLabels: number,
): Counts[] {
  requireSameLength(truth, predicted, 'examples');
  return Array.from({ length: numLabels }, (_, label) => {
    const isCase = (hasLabel: number, isPredicted: number): number =>
      truth.filter((row, i) => row[label] === hasLabel && predicted[i]![label] === isPredicted)
        .length;
    return {
      truePositives: isCase(1, 1),
      falsePositives: isCase(0, 1),
      falseNegatives: isCase(1, 0),
    };
  });
}

/** The share of examples whose labels are all right: what scikit-learn calls accuracy of several labels. */
export function exactMatchRatio(
  truth: readonly ArrayLike<number>[],
  predicted: readonly ArrayLike<number>[],
): number {
  requireSameLength(truth, predicted, 'examples');
  const isSame = (row: ArrayLike<number>, i: number): boolean =>
    Array.from(row).every((label, k) => label === predicted[i]![k]);
  return truth.length === 0 ? 0 : truth.filter(isSame).length / truth.length;
}

function numRightOf(matrix: ConfusionMatrix): number {
  return sum(matrix.map((row, k) => row[k]!));
}

function columnSums(matrix: ConfusionMatrix): number[] {
  return matrix.map((_, column) => sum(matrix.map((row) => row[column]!)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
