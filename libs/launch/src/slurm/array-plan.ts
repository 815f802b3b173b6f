/** A task of a run's job array that Slurm has not done with. */
export interface ArrayTask {
  /** As Slurm names it: `17_3`. */
  readonly id: string;
  readonly index: number;
  /** As squeue has it: RUNNING, PENDING, COMPLETING and such. */
  readonly state: string;
}

/** How a run's array becomes one of another size. */
export interface ArrayPlan {
  readonly kept: readonly ArrayTask[];
  /** Indexes of tasks to submit. */
  readonly missing: readonly number[];
  /** Tasks that leave. */
  readonly surplus: readonly ArrayTask[];
}

/**
 * Pure. An index is no more than a name, so those that run stay before those that wait, whatever their indexes; one that is ending
 * counts, as Slurm does not say whether it comes back.
 */
export function planArray(tasks: readonly ArrayTask[], numWorkers: number): ArrayPlan {
  const inOrder = tasks.toSorted((a, b) => rankOf(a) - rankOf(b) || a.index - b.index);
  const kept = inOrder.slice(0, numWorkers);
  const taken = new Set(kept.map(({ index }) => index));
  const free = Array.from({ length: numWorkers }, (_, index) => index).filter(
    (index) => !taken.has(index),
  );
  return {
    kept,
    missing: free.slice(0, numWorkers - kept.length),
    surplus: inOrder.slice(numWorkers),
  };
}

const ranks = ['RUNNING', 'CONFIGURING', 'SUSPENDED', 'PENDING', 'COMPLETING'];

const rankOf = ({ state }: ArrayTask): number => {
  const rank = ranks.indexOf(state);
  return rank === -1 ? ranks.length : rank;
};

/** Indexes as sbatch has them: `0-3,7`. */
export function indexList(indexes: readonly number[]): string {
  const spans: [number, number][] = [];
  for (const index of indexes.toSorted((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last !== undefined && index === last[1] + 1) last[1] = index;
    else spans.push([index, index]);
  }
  return spans.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}
