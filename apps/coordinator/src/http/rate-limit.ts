/** How often something may be done. */
export interface Rate {
  readonly perSecond: number;
  /** At once, after a pause. */
  readonly burst: number;
}

/** Who asks how often: a token bucket for each client, of the newest thousand. */
export class RateLimit {
  readonly #rate: Rate;
  /** The one seen last is last. */
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** @returns 0 when the client may go on, else after how many milliseconds it may */
  take(client: string, nowMs: number): number {
    const { perSecond, burst } = this.#rate;
    const before = this.#buckets.get(client) ?? { tokens: burst, atMs: nowMs };
    const regained = (Math.max(0, nowMs - before.atMs) * perSecond) / 1_000;
    const tokens = Math.min(burst, before.tokens + regained);
    const isAllowed = tokens >= 1;
    this.#buckets.delete(client);
    this.#buckets.set(client, { tokens: isAllowed ? tokens - 1 : tokens, atMs: nowMs });
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= numClients) break;
      this.#buckets.delete(oldest);
    }
    return isAllowed ? 0 : Math.ceil((1_000 * (1 - tokens)) / perSecond);
  }
}

const numClients = 1_000;
