import { canonicalJson } from '../sorted-json.ts';
import type { GridValues } from './grid-point.ts';
import type { GridCombination, GridPointReport } from './grid-report.ts';

/** Points that differ in nothing but the seed, with mean and spread of those that are completed. */
export function combinationsOf(points: readonly GridPointReport[]): GridCombination[] {
  const groups = new Map<string, GridPointReport[]>();
  for (const point of points) {
    const key = canonicalJson(withoutSeed(point.values));
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return [...groups.values()].map((own) => {
    const results = own.flatMap(resultOf).filter(({ value }) => value !== null);
    const values = results.map(({ value }) => value!);
    return {
      values: withoutSeed(own[0]!.values),
      points: own.map(({ point }) => point),
      numValues: values.length,
      mean: meanOf(values),
      spread: spreadOf(values),
      meanLoss: meanOf(results.map(({ loss }) => loss)),
    };
  });
}

function withoutSeed({ seed: _seed, ...others }: GridValues): GridValues {
  return others;
}

/** What counts of a point: that of one which is completed. */
export function resultOf({
  status,
  best,
}: GridPointReport): NonNullable<GridPointReport['best']>[] {
  return status === 'completed' && best !== null ? [best] : [];
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, one) => sum + one, 0) / values.length;
}

function spreadOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = meanOf(values)!;
  const squares = values.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
