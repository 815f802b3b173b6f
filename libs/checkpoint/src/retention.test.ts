import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideRetention } from './retention.ts';

describe('decideRetention', () => {
  it('keeps the last k, every m-th and the newest that verifies, with reasons', () => {
    const steps = [100, 200, 300, 400, 500, 600, 700];
    const policy = { keepLast: 2, keepEverySteps: 300 };
    const decision = decideRetention(steps, policy, 500);
    expect(decision.keep).toEqual([300, 500, 600, 700]);
    expect(decision.delete).toEqual([100, 200, 400]);
    expect(Object.fromEntries(decision.reasons)).toEqual({
      100: 'older than the last 2',
      200: 'older than the last 2',
      300: 'every 300 steps',
      400: 'older than the last 2',
      500: 'newest that verifies',
      600: 'among the last 2',
      700: 'among the last 2',
    });
  });

  it('keeps the best of those that there are', () => {
    const policy = {
      keepLast: 1,
      keepEverySteps: 0,
      bestOf: (steps: readonly number[]) => (steps.includes(200) ? 200 : undefined),
    };
    const decision = decideRetention([100, 200, 300], policy, 300);
    expect(decision.keep).toEqual([200, 300]);
    expect(decision.reasons.get(200)).toBe('best on held-out examples');
    expect(decideRetention([100, 300], policy, 300).keep).toEqual([300]);
  });

  it('keeps all while none is known to verify', () => {
    const policy = { keepLast: 1, keepEverySteps: 0 };
    expect(decideRetention([1, 2, 3], policy, undefined).delete).toEqual([]);
    expect(decideRetention([1, 2, 3], policy, 9).delete).toEqual([]);
  });

  it('for any history keeps what it must and decides on every step once', () => {
    const steps = fc.uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 30 });
    const policies = fc.record({ keepLast: fc.nat(5), keepEverySteps: fc.nat(7) });
    fc.assert(
      fc.property(steps, policies, fc.nat(), (all, policy, pick) => {
        const verified = all[pick % all.length] ?? 0;
        const decision = decideRetention(all, policy, verified);
        const sorted = [...all].sort((a, b) => a - b);
        expect([...decision.keep, ...decision.delete].sort((a, b) => a - b)).toEqual(sorted);
        expect(decision.keep).toContain(verified);
        expect(decision.keep).toContain(sorted.at(-1));
        expect(decision.keep).toEqual(
          expect.arrayContaining(sorted.slice(sorted.length - policy.keepLast)),
        );
        expect(decision.delete.filter((step) => step % policy.keepEverySteps === 0)).toEqual([]);
        expect([...decision.reasons.keys()]).toEqual(sorted);
      }),
    );
  });
});
