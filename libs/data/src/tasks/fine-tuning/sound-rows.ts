import { createRowProblems, type RowProblems } from '../../rows/input-errors.ts';
import type { Row, RowSource } from '../../rows/row.ts';

/**
 * Goes through the rows of a file that are whole and whose ids are new, and throws at the end if anything was wrong with any, also
 * with what `problems` was told meanwhile.
 */
export async function* soundRows(
  source: RowSource,
  problems: RowProblems = createRowProblems(),
): AsyncGenerator<Row> {
  const placeOfId = new Map<string | number, string>();
  for await (const row of source.rows()) {
    const { place, problem, values } = row;
    const { id } = values;
    if (problem !== undefined) {
      problems.add('row', place, problem);
      continue;
    }
    if (typeof id === 'string' || typeof id === 'number') {
      const earlier = placeOfId.get(id);
      if (earlier !== undefined) {
        problems.add(
          'id',
          place,
          `has the id of ${earlier}: give each row one of its own, or remove the copy`,
        );
        continue;
      }
      placeOfId.set(id, place.at);
    }
    yield row;
  }
  problems.throwIfAny();
}
