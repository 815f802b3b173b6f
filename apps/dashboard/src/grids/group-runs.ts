import type { RunStatusReport } from '@berth/contracts';

/** A line of the list of runs: a run of its own, or all of a grid. */
export type ListedRuns =
  | { readonly kind: 'run'; readonly report: RunStatusReport }
  | { readonly kind: 'grid'; readonly name: string; readonly reports: readonly RunStatusReport[] };

/** Runs as they are listed: those of a grid are together where its first one is, in the order of its points. */
export function groupRuns(reports: readonly RunStatusReport[]): ListedRuns[] {
  const seen = new Set<string>();
  return reports.flatMap((report): ListedRuns[] => {
    const name = report.run.grid?.name;
    if (name === undefined) return [{ kind: 'run', report }];
    if (seen.has(name)) return [];
    seen.add(name);
    const own = reports
      .filter(({ run }) => run.grid?.name === name)
      .toSorted((a, b) => (a.run.grid?.point ?? 0) - (b.run.grid?.point ?? 0));
    return [{ kind: 'grid', name, reports: own }];
  });
}
