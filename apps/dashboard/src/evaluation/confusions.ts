import type { FineTuningReport } from '@berth/contracts';

export type Confusion = NonNullable<FineTuningReport['confusion']>;

/** A class that was taken for another. */
export interface Mistake {
  readonly truth: number;
  readonly predicted: number;
  readonly count: number;
  /** Of all of that class, from 0 to 1. */
  readonly share: number;
}

/** What is most often taken for something else, by places in the matrix. */
export function mostMistaken({ counts }: Confusion, max: number): Mistake[] {
  return counts
    .flatMap((row, truth) => {
      const total = sum(row);
      return row.map((count, predicted) => ({ truth, predicted, count, share: count / total }));
    })
    .filter(({ truth, predicted, count }) => truth !== predicted && count > 0)
    .toSorted((a, b) => b.count - a.count || b.share - a.share)
    .slice(0, max);
}

/** Each count as a share of its row; 0 in an empty row. */
export function sharesOfRows({ counts }: Confusion): number[][] {
  return counts.map((row) => {
    const total = sum(row);
    return row.map((count) => (total === 0 ? 0 : count / total));
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
