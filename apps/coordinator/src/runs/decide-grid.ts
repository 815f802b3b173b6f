import { BerthError, canonicalJson, type GridPoint, type RunRecord } from '@berth/contracts';

/** Which runs the points of a grid are. */
export interface GridPlan<Point> {
  /** Of those that there are already. */
  readonly known: readonly (Point & { readonly runId: string })[];
  /** In the order in which they are to be made. */
  readonly added: readonly (Point & GridPoint & { readonly runId: string })[];
}

/**
 * Which runs a grid's points are, when it is submitted. A point is known by its values, so that a grid can be submitted again,
 * with more of them, and what is there stays what it is. New ones get the number that they have in the file, or the next that
 * is free. What the file names no more stays a part of the grid.
 * @param records - of all runs
 * @throws BerthError `RUN_STATE_CONFLICT` when a name is taken by something else
 */
export function decideGrid<Point extends GridPoint>(
  name: string,
  points: readonly Point[],
  records: readonly RunRecord[],
): GridPlan<Point> {
  const taken = (runId: string): boolean =>
    records.some((record) => record.runId === runId && record.grid?.name !== name);
  if (taken(name))
    throw conflict(name, `There is a run "${name}" already: give the grid another name`);
  const own = new Map(
    records.flatMap(({ runId, grid }) =>
      grid?.name === name ? [[canonicalJson(grid.values), { runId, ...grid }] as const] : [],
    ),
  );
  requireSameSettings(name, points, [...own.values()]);
  const numbers = new Set([...own.values()].map(({ point }) => point));
  const known: (Point & { readonly runId: string })[] = [];
  const added: (Point & { readonly runId: string })[] = [];
  for (const point of points) {
    const found = own.get(canonicalJson(point.values));
    if (found !== undefined) {
      known.push({ ...point, runId: found.runId });
      continue;
    }
    const number = numbers.has(point.point) ? Math.max(...numbers) + 1 : point.point;
    numbers.add(number);
    const runId = `${name}-${number}`;
    if (taken(runId))
      throw conflict(
        name,
        `There is a run "${runId}" already, which is no part of this grid: give the grid another name`,
      );
    added.push({ ...point, point: number, runId });
  }
  return { known, added };
}

function requireSameSettings(
  name: string,
  points: readonly GridPoint[],
  own: readonly GridPoint[],
): void {
  const pathsOf = ({ values }: GridPoint): string => Object.keys(values).toSorted().join(', ');
  const [known, now] = [own[0], points[0]].map((point) => point && pathsOf(point));
  if (known === undefined || now === undefined || known === now) return;
  throw conflict(
    name,
    `The runs of grid "${name}" differ in ${known}; this file says ${now}: choose another name, or remove them: berth rm ${name}`,
  );
}

function conflict(name: string, message: string): BerthError {
  return new BerthError('RUN_STATE_CONFLICT', message, { details: { grid: name } });
}
