import { describe, expect, it } from 'vitest';
import { accessPolicy, refusal, type Approach } from './access.ts';
import { RateLimit } from './rate-limit.ts';

const token = '0123456789abcdef';
const approach = (change: Partial<Approach> = {}): Approach => ({
  method: 'POST',
  host: '127.0.0.1:7700',
  origin: undefined,
  fetchSite: undefined,
  authorization: undefined,
  ...change,
});

describe('access', () => {
  it('beyond loopback needs a token of some length', () => {
    expect(() => accessPolicy('0.0.0.0', undefined)).toThrow('BERTH_API_TOKEN must be set');
    expect(() => accessPolicy('::', undefined)).toThrow('lets others in');
    expect(() => accessPolicy('127.0.0.1', 'short')).toThrow('has 5 characters');
    expect(accessPolicy('0.0.0.0', token)).toEqual({ isLoopback: false, token });
    expect(accessPolicy('::1', undefined)).toEqual({ isLoopback: true, token: undefined });
  });

  it.each(['localhost', 'localhost:1', '127.0.0.1:7700', '127.9.9.9', '[::1]:7700'])(
    'on loopback is by the name %s',
    (host) => {
      const policy = accessPolicy('127.0.0.1', undefined);
      expect(refusal(policy, approach({ host }))).toBeUndefined();
    },
  );

  it.each([undefined, '', 'evil.test', 'evil.test:7700', '127.0.0.1.evil.test', 'localhost.evil'])(
    'on loopback is not by the name %s, not even to read',
    (host) => {
      const policy = accessPolicy('127.0.0.1', undefined);
      expect(refusal(policy, approach({ method: 'GET', host }))?.code).toBe('REQUEST_REFUSED');
    },
  );

  it('to write is refused to pages of other origins', () => {
    const policy = accessPolicy('127.0.0.1', undefined);
    const own = 'http://127.0.0.1:7700';
    expect(refusal(policy, approach({ origin: own, fetchSite: 'same-origin' }))).toBeUndefined();
    for (const change of [
      { origin: 'http://evil.test' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:9' },
      { fetchSite: 'cross-site' },
      { fetchSite: 'same-site' },
    ]) {
      expect(refusal(policy, approach(change))?.code).toBe('REQUEST_REFUSED');
      expect(refusal(policy, approach({ ...change, method: 'GET' }))).toBeUndefined();
    }
  });

  it('to write needs the token where there is one; to read it does not', () => {
    const policy = accessPolicy('0.0.0.0', token);
    const host = 'berth.test';
    expect(refusal(policy, approach({ host, method: 'GET' }))).toBeUndefined();
    const good = approach({ host, authorization: `Bearer ${token}` });
    expect(refusal(policy, good)).toBeUndefined();
    for (const authorization of [
      undefined,
      '',
      token,
      `Bearer ${token}x`,
      'Bearer',
      `Basic ${token}`,
    ])
      expect(refusal(policy, approach({ host, authorization }))?.code).toBe('REQUEST_UNAUTHORIZED');
  });
});

describe('a rate limit', () => {
  it('gives a burst, then a steady rate, to each client of its own', () => {
    const limit = new RateLimit({ perSecond: 10, burst: 3 });
    expect([0, 0, 0, 0].map((nowMs) => limit.take('a', nowMs))).toEqual([0, 0, 0, 100]);
    expect(limit.take('b', 0)).toBe(0);
    expect(limit.take('a', 50)).toBe(50);
    expect(limit.take('a', 100)).toBe(0);
    expect(limit.take('a', 10_000)).toBe(0);
  });

  it('forgets clients rather than grow', () => {
    const limit = new RateLimit({ perSecond: 1, burst: 1 });
    for (let client = 0; client < 1_001; client++) limit.take(String(client), 0);
    expect(limit.take('1000', 0)).toBeGreaterThan(0);
    expect(limit.take('0', 0)).toBe(0);
  });
});
