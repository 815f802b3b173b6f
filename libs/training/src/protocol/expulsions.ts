const firstMs = 1_000;
const longestMs = 60_000;
/** After this time in peace an expulsion is forgotten. */
const rememberMs = 300_000;

/**
 * Members left out of views although they may live, for twice as long every time: with one that others cannot reach no
 * step ends, and taking it in again interrupts a step.
 */
export type Expulsions = ReadonlyMap<string, { readonly count: number; readonly untilMs: number }>;

/** Leaves members out, or out for longer. */
export function expel(before: Expulsions, memberIds: readonly string[], nowMs: number): Expulsions {
  const after = new Map(before);
  for (const [memberId, { untilMs }] of before)
    if (nowMs >= untilMs + rememberMs) after.delete(memberId);
  for (const memberId of memberIds) {
    const count = (after.get(memberId)?.count ?? 0) + 1;
    const lengthMs = Math.min(longestMs, firstMs * 2 ** (count - 1));
    after.set(memberId, { count, untilMs: nowMs + lengthMs });
  }
  return after;
}

/** Who is not to be seated now. */
export function expelledAt(expulsions: Expulsions, nowMs: number): ReadonlySet<string> {
  const current = [...expulsions].filter(([, { untilMs }]) => nowMs < untilMs);
  return new Set(current.map(([memberId]) => memberId));
}
