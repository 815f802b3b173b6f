import { expect, it } from 'vitest';
import { describeNetwork, linkSpeedText } from './describe-network.ts';

const lowest = { ms: 95.2, numBytes: 11.9e6, bitsPerSecond: 1e9 };
const network = { numMembers: 4, numLinks: 4, waitMs: 121.6, lowest, unknown: [] };

it('says what the network allows beside what was measured', () => {
  expect(describeNetwork(network)).toBe(
    'Wait for the sum 122 ms; network at best 95 ms (4 members, 11.9 MB each way, 1 Gbit/s).',
  );
  expect(describeNetwork({ ...network, numLinks: 2, waitMs: null })).toBe(
    'A sum: network at best 95 ms (4 members on 2 links, 11.9 MB each way, 1 Gbit/s).',
  );
});

it.each([
  [{ ms: 2.357, numBytes: 294_724 }, 'at best 2.4 ms (4 members, 295 kB each'],
  [{ ms: 13_200, numBytes: 1.65e9 }, 'at best 13 s (4 members, 1.65 GB each'],
])('says %j in few digits', (load, text) => {
  const waitMs = 20_000;
  expect(describeNetwork({ ...network, waitMs, lowest: { ...lowest, ...load } })).toContain(text);
});

it('says that a part is hidden where less was measured than is possible', () => {
  expect(describeNetwork({ ...network, waitMs: 40 })).toContain(
    'network at best 95 ms, partly hidden behind computing (4 members',
  );
});

it('names whose link is not known', () => {
  const isUnknown = (unknown: string[]) => describeNetwork({ ...network, lowest: null, unknown });
  expect(isUnknown(['a'])).toMatch(/: a does not know .* \(BERTH_LINK_MBIT_PER_S\)\.$/);
  expect(isUnknown(['a', 'b', 'c'])).toContain('a and 2 more do not know');
});

it.each([
  [100e6, '100 Mbit/s'],
  [2.5e9, '2.5 Gbit/s'],
  [400e9, '400 Gbit/s'],
])('%s bits a second are %s', (bitsPerSecond, text) => {
  expect(linkSpeedText(bitsPerSecond)).toBe(text);
});
