import {
  parseRunConfig,
  type MemberInfo,
  type MetricsLine,
  type NetworkReport,
  type RunRecord,
  type View,
} from '@berth/contracts';
import { assignBlocks, lowestMs, trafficOf } from '@berth/collectives';
import { expect, it } from 'vitest';
import { networkReportOf } from './network-report.ts';

const config = parseRunConfig({ name: 'r', corpus: { path: 'c' } }, 'test');
const run = { runId: 'r', config } as RunRecord;
const numSumElements = 1_000_003;

interface Place {
  readonly host: string;
  readonly mbit?: number | undefined;
}

/** One member a host. */
const onHosts = (...mbits: (number | undefined)[]): Place[] =>
  mbits.map((mbit, index) => ({ host: `10.0.0.${index}`, mbit }));

function viewOf(places: readonly Place[]): View {
  const memberIds = places.map((_, index) => `m${index}`);
  const blocks = assignBlocks(8, memberIds);
  const members = places.map(({ host }, index) => ({
    memberId: `m${index}`,
    host,
    port: 1,
    blocks: blocks[index] ?? [],
  }));
  return { runId: 'r', fromStep: 10, members } as unknown as View;
}

function look(places: readonly Place[], numHere = places.length): NetworkReport | undefined {
  const members = places.slice(0, numHere).map(({ mbit }, index) => ({
    memberId: `m${index}`,
    numSumElements,
    ...(mbit !== undefined && { linkBitsPerSecond: mbit * 1e6 }),
  })) as MemberInfo[];
  const steps = [9_000, 30, 90, 40].map((reduceMs, index) => ({ step: 10 + index, reduceMs }));
  return networkReportOf(run, {
    view: viewOf(places),
    members,
    steps: steps as unknown as MetricsLine[],
  });
}

it('has the median wait of this view, and what the benches compute for the slowest link', () => {
  const places = onHosts(25_000, 1_000, 25_000);
  const shape = { dtype: 'fp32', length: numSumElements, numExact: 0 } as const;
  const [, traffic] = trafficOf(viewOf(places), shape);
  const ms = lowestMs(traffic === undefined ? [] : [traffic], { bitsPerSecond: 1e9, oneWayMs: 0 });
  // Two of three members have two blocks of eight ranks: 2 x 2/3 + 2 x 1/3 of the vector.
  expect(ms).toBeCloseTo((2 * numSumElements * 4 * 8) / 1e6, -1);
  expect(look(places)).toMatchObject({
    numMembers: 3,
    numLinks: 3,
    waitMs: 40,
    lowest: { ms, bitsPerSecond: 1e9 },
    unknown: [],
  });
});

it('says nothing of members at one address, of no known link, and while one is away', () => {
  const host = '10.0.0.1';
  expect(look([{ host, mbit: 1_000 }, { host }])).toBeUndefined();
  expect(look(onHosts(undefined, undefined))).toBeUndefined();
  expect(look(onHosts(1_000, 1_000), 1)).toBeUndefined();
});

it('knows no bound as long as one link is unknown, and whose', () => {
  expect(look(onHosts(1_000, undefined))).toMatchObject({ lowest: null, unknown: ['m1'] });
  const host = '10.0.0.0';
  expect(look([...onHosts(1_000, 1_000), { host }])).toMatchObject({ numLinks: 2, unknown: [] });
});
