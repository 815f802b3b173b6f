import type { MemberInfo } from '@berth/contracts';

/** The members that Redis knows by their heartbeats. */
export class RedisMembers {
  /** Whether ages follow the clock of Redis wherever it is set, which is what the scripts prevent. */
  readonly #followsClock: boolean;
  #members = new Map<string, { readonly info: MemberInfo; readonly seenMs: number }>();
  #listedMs: number | undefined;

  constructor({ followsClock }: { readonly followsClock: boolean }) {
    this.#followsClock = followsClock;
  }

  flush(): void {
    this.#members = new Map();
    this.#listedMs = undefined;
  }

  /** @returns what puts the members of now back */
  snapshot(): () => void {
    const [members, listedMs] = [new Map(this.#members), this.#listedMs];
    return () => {
      this.#members = members;
      this.#listedMs = listedMs;
    };
  }

  heartbeat(nowMs: number, info: MemberInfo): void {
    this.#members.set(info.memberId, { info, seenMs: nowMs });
  }

  /** Members seen within the time to live, by id; the others are forgotten, unless it is Infinity. */
  list(nowMs: number, ttlMs: number): MemberInfo[] {
    if (ttlMs !== Infinity) this.#forgetOld(nowMs, ttlMs);
    const live = [...this.#members.values()].map(({ info }) => info);
    return live.sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  }

  #forgetOld(nowMs: number, ttlMs: number): void {
    const betweenMs = nowMs - (this.#listedMs ?? nowMs);
    this.#listedMs = nowMs;
    for (const [id, { info, seenMs }] of this.#members) {
      const isOfBefore = betweenMs > ttlMs / 2 && nowMs - seenMs > ttlMs / 2;
      if (this.#followsClock) {
        if (seenMs < nowMs - ttlMs) this.#members.delete(id);
        continue;
      }
      const seenNowMs = Math.min(nowMs, isOfBefore ? seenMs + betweenMs - ttlMs / 2 : seenMs);
      if (nowMs - seenNowMs > ttlMs) this.#members.delete(id);
      else this.#members.set(id, { info, seenMs: seenNowMs });
    }
  }

  leave(memberId: string): void {
    this.#members.delete(memberId);
  }
}
