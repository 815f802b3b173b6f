const firstMs = 1_000;
const longestMs = 60_000;
/** After this time in peace an expulsion is forgotten. */
const rememberMs = 300_000;

/**
 * Members left out of views although they may live, for twice as long every time: with one that others cannot reach no
 * step ends, and taking it in again interrupts a step.
 */
export class Expulsions {
  readonly #byMember = new Map<string, { count: number; untilMs: number }>();

  add(memberId: string, nowMs: number): void {
    const count = (this.#byMember.get(memberId)?.count ?? 0) + 1;
    const lengthMs = Math.min(longestMs, firstMs * 2 ** (count - 1));
    this.#byMember.set(memberId, { count, untilMs: nowMs + lengthMs });
  }

  /** Who is not to be seated now. */
  at(nowMs: number): ReadonlySet<string> {
    for (const [memberId, { untilMs }] of this.#byMember)
      if (nowMs >= untilMs + rememberMs) this.#byMember.delete(memberId);
    const current = [...this.#byMember].filter(([, { untilMs }]) => nowMs < untilMs);
    return new Set(current.map(([memberId]) => memberId));
  }
}
