import { numStateSlices, type CastVote, type WireError } from '@berth/contracts';

/**
 * Members that have something else than most of them; none when there is no strict majority, so that nobody knows.
 * @param values - by member
 */
export function oddMembers(values: ReadonlyMap<string, string>): string[] {
  const counts = new Map<string, number>();
  for (const value of values.values()) counts.set(value, (counts.get(value) ?? 0) + 1);
  const right = [...counts].find(([, count]) => 2 * count > values.size)?.[0];
  if (right === undefined) return [];
  return [...values].flatMap(([member, value]) => (value === right ? [] : [member]));
}

/** Whether all of them have the same. */
export function areEqual(values: ReadonlyMap<string, string>): boolean {
  return new Set(values.values()).size <= 1;
}

/**
 * The error of members that hold different states after the same step.
 * @param digests - by member
 */
export function stateDiverged(
  step: number,
  what: string,
  digests: ReadonlyMap<string, string>,
  details: WireError['details'] = {},
): WireError {
  const odd = oddMembers(digests);
  return {
    code: 'STATE_DIVERGED',
    message: `Step ${step}: ${what} differs: ${whoHasWhat(digests)}`,
    details: { divergence: 'state', step, odd: odd.join(', '), ...details },
  };
}

/** The error of a view whose members voted differently for a step. */
export function votesDiverged(step: number, votes: readonly CastVote[]): WireError {
  const states = new Map(votes.map(({ memberId, stateDigest }) => [memberId, stateDigest]));
  const slice = step % numStateSlices;
  if (!areEqual(states))
    return stateDiverged(step, `slice ${slice} of the state before it`, states, { slice });
  const facts = new Map(votes.map((vote) => [vote.memberId, vote.facts]));
  const message = `Step ${step}: the summed gradient differs: ${whoHasWhat(facts)}`;
  const odd = oddMembers(facts).join(', ');
  return { code: 'COLLECTIVE_PROTOCOL', message, details: { divergence: 'gradient', step, odd } };
}

/** Members that an error says have something else than most; none when it does not say. */
export function oddOf({ details }: Pick<WireError, 'details'>): string[] {
  const { odd } = details;
  return typeof odd === 'string' && odd !== '' ? odd.split(', ') : [];
}

/** Up to which step nobody can have been led astray by a damaged state. */
export function agreedStepOf({ details }: WireError): number {
  return typeof details['agreedStep'] === 'number' ? details['agreedStep'] : -1;
}

function whoHasWhat(values: ReadonlyMap<string, string>): string {
  const holders = new Map<string, string[]>();
  for (const [member, value] of values) holders.set(value, [...(holders.get(value) ?? []), member]);
  return [...holders].map(([value, members]) => `${members.join(', ')}: ${value}`).join('; ');
}
