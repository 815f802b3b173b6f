import type { AlignedBlock, RunConfig, WorkerReport } from '@berth/contracts';
import { linkOfHost, workersAtOneHost } from './made-up-network.ts';
import { uniform } from './made-up-numbers.ts';

/** A worker of a made-up run; every seventeenth one straggles. */
export function makeWorker(config: RunConfig, index: number): WorkerReport {
  const place = 1 + Math.floor(index / workersAtOneHost(config));
  const isSlow = index % 17 === 5;
  const paceRatio = isSlow ? 1.9 : 0.94 + 0.12 * uniform(7, index);
  return {
    memberId: `worker-${index + 1}-${Math.floor(uniform(index, 3) * 36 ** 4)
      .toString(36)
      .padStart(4, '0')}`,
    rank: null,
    hostname: `node-${String(place).padStart(2, '0')}`,
    host: `10.0.0.${place}`,
    port: 40_000 + index,
    isReachable: index % 17 !== 3,
    pid: 1200 + index * 37,
    device: 'CPU',
    kernels: 'AVX512_CORE',
    numThreads: 4,
    version: '0.1.0',
    engine: 'process',
    clockAheadMs: null,
    linkBitsPerSecond: linkOfHost(config),
    state: isSlow ? 'straggling' : 'active',
    reason: isSlow ? 'Needs 1.9 times the median for a virtual rank' : 'Trains',
    runId: config.name,
    blocks: [],
    step: 0,
    lag: isSlow ? 1 : 0,
    heartbeatAgeMs: 120,
    lastSeenAtMs: null,
    rankMs: 310 * paceRatio,
    paceRatio,
    residentBytes: (2.6 + 0.4 * uniform(9, index)) * 2 ** 30,
    startedAtMs: Date.now() - 3_600_000,
    lastLines: [],
  };
}

/** Cuts virtual ranks into one run of aligned blocks per member, as evenly as powers of two allow. */
export function blocksOf(numRanks: number, numMembers: number): AlignedBlock[][] {
  if (numMembers === 0) return [];
  const blocks: AlignedBlock[] = [{ start: 0, length: numRanks }];
  while (blocks.length < numMembers) {
    const widest = blocks.reduce((a, b) => (b.length > a.length ? b : a));
    if (widest.length === 1) break;
    const half = widest.length / 2;
    blocks.splice(
      blocks.indexOf(widest),
      1,
      { start: widest.start, length: half },
      { start: widest.start + half, length: half },
    );
  }
  return blocks.map((block) => [block]);
}
