import { BerthError } from '@berth/contracts';
import type { RowPlace } from './row.ts';

/** An error of a file that has no single row to blame. */
export function inputInvalid(path: string, problem: string, cause?: unknown): BerthError {
  return new BerthError('DATA_INPUT_INVALID', `${path}: ${problem}`, { cause, details: { path } });
}

/** The error for a file that the system would not read. */
export function toInputError(path: string, error: unknown): BerthError {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  if (isMissing)
    return new BerthError('DATA_INPUT_NOT_FOUND', `${path} does not exist: correct the path`, {
      cause: error,
      details: { path },
    });
  const reason = error instanceof Error ? error.message : String(error);
  return inputInvalid(
    path,
    `cannot be read (${reason}): check its permissions, or replace it with an intact copy`,
    error,
  );
}

/** Gathers what is wrong with rows, so that one error tells how many there are. */
export interface RowProblems {
  /** @param kind - what rows with the same problem share */
  add(kind: string, place: RowPlace, problem: string): void;
  /** @throws BerthError `DATA_INPUT_INVALID` naming the first row and the number of others */
  throwIfAny(): void;
}

export function createRowProblems(): RowProblems {
  let first:
    | { readonly place: RowPlace; readonly problem: string; readonly kind: string }
    | undefined;
  const numOf = new Map<string, number>();
  return {
    add: (kind, place, problem) => {
      first ??= { place, problem, kind };
      numOf.set(kind, (numOf.get(kind) ?? 0) + 1);
    },
    throwIfAny: () => {
      if (first === undefined) return;
      const { place, problem, kind } = first;
      const numLike = numOf.get(kind)! - 1;
      const numOthers = [...numOf.values()].reduce((sum, num) => sum + num, 0) - numLike - 1;
      const more = [
        ...(numLike > 0 ? [`${numLike} more like it`] : []),
        ...(numOthers > 0 ? [`${numOthers} with other problems`] : []),
      ];
      throw new BerthError(
        'DATA_INPUT_INVALID',
        `${place.path}: ${place.at}: ${problem}${more.length > 0 ? ` (and ${more.join(', ')})` : ''}`,
        { details: { ...place, numLike, numOthers } },
      );
    },
  };
}
