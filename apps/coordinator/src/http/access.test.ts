import { describe, expect, it } from 'vitest';
import { accessPolicy, hasToken, refusal, type Approach } from './access.ts';
import { clientAt, thisMachine } from './client-of.ts';
import { RateLimit } from './rate-limit.ts';

const token = '0123456789abcdef';
const approach = (change: Partial<Approach> = {}): Approach => ({
  method: 'POST',
  host: '127.0.0.1:7700',
  origin: undefined,
  fetchSite: undefined,
  fetchMode: undefined,
  ...change,
});
const here = accessPolicy({ host: '127.0.0.1', token });

describe('access', () => {
  it.each(['127.0.0.1', '::1', '0.0.0.0'])('at %s needs a token of some length', (host) => {
    expect(() => accessPolicy({ host, token: undefined })).toThrow('BERTH_API_TOKEN must be set');
    expect(() => accessPolicy({ host, token: 'short' })).toThrow('has 5 characters');
  });

  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1:7700', '127.9.9.9', '[::1]:7700', '[0:0::1]'])(
    'is by the name %s, wherever it listens',
    (host) => {
      for (const policy of [here, accessPolicy({ host: '0.0.0.0', token })])
        expect(refusal(policy, approach({ host }))).toBeUndefined();
    },
  );

  it.each([
    undefined,
    '',
    'evil.test',
    'evil.test:7700',
    '127.0.0.1.evil.test',
    'localhost.evil',
    '127.999.999.999',
    '127.0.0.1:99999',
    '[::1',
    '::1',
    'x@127.0.0.1',
    '127.0.0.1/x',
    '0.0.0.0',
    '10.0.0.7',
  ])('is not by the name %s, not even to read, wherever it listens', (host) => {
    for (const policy of [here, accessPolicy({ host: '0.0.0.0', token, names: 'berth.test' })])
      for (const method of ['GET', 'HEAD', 'POST'])
        expect(refusal(policy, approach({ method, host }))?.code).toBe('REQUEST_REFUSED');
  });

  it('is by the names that it was given, and by the address that it listens on', () => {
    const names = 'coordinator, Berth.Test,10.1.2.3, fd00::7';
    const policy = accessPolicy({ host: '192.168.0.5', token, names });
    for (const host of [
      'coordinator:7700',
      'berth.test',
      '10.1.2.3',
      '[fd00::7]:80',
      '192.168.0.5',
    ])
      expect(refusal(policy, approach({ host }))).toBeUndefined();
    for (const bad of ['http://x', 'a b', 'x/y'])
      expect(() => accessPolicy({ host: '0.0.0.0', token, names: bad })).toThrow(
        `BERTH_HTTP_NAMES: "${bad}"`,
      );
  });

  it('is refused to pages of other origins, but for links that lead to a page', () => {
    const own = 'http://127.0.0.1:7700';
    expect(refusal(here, approach({ origin: own, fetchSite: 'same-origin' }))).toBeUndefined();
    expect(refusal(here, approach({ method: 'GET', fetchSite: 'none' }))).toBeUndefined();
    for (const origin of ['http://evil.test', 'null', 'http://127.0.0.1:9'])
      expect(refusal(here, approach({ origin }))?.code).toBe('REQUEST_REFUSED');
    for (const fetchSite of ['cross-site', 'same-site']) {
      for (const method of ['GET', 'HEAD', 'POST'])
        expect(refusal(here, approach({ method, fetchSite, fetchMode: 'cors' }))?.code).toBe(
          'REQUEST_REFUSED',
        );
      const link = { fetchSite, fetchMode: 'navigate' };
      expect(refusal(here, approach({ ...link, method: 'GET' }))).toBeUndefined();
      expect(refusal(here, approach({ ...link, method: 'POST' }))?.code).toBe('REQUEST_REFUSED');
    }
  });

  it('is with the token only', () => {
    expect(hasToken(here, `Bearer ${token}`)).toBe(true);
    for (const other of ['', token, `Bearer ${token}x`, 'Bearer', `Basic ${token}`, undefined])
      expect(hasToken(here, other)).toBe(false);
  });
});

it('a client is an address, or the network of an IPv6 address, or this machine', () => {
  for (const address of ['127.0.0.1', '127.200.3.4', '::1', '::ffff:127.0.0.9'])
    expect(clientAt(address)).toBe(thisMachine);
  expect(clientAt('::ffff:10.0.0.7')).toBe('10.0.0.7');
  expect(clientAt('10.0.0.7')).toBe('10.0.0.7');
  expect(clientAt('2001:db8:1:2::7')).toBe('2001:db8:1:2');
  expect(clientAt('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2');
  expect(clientAt('2001:db8::1')).toBe('2001:db8:0:0');
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
