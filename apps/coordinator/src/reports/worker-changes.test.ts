import type { WorkerReport } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { compareCrews, type Crew, type CrewChanges, type Departure } from './worker-changes.ts';

const worker = (memberId: string, change: Partial<WorkerReport> = {}): WorkerReport => ({
  memberId,
  rank: 0,
  hostname: 'host',
  host: '127.0.0.1',
  port: 1,
  pid: 1,
  device: 'CPU',
  kernels: 'avx2',
  numThreads: 1,
  version: '0.1.0',
  state: 'active',
  reason: '',
  runId: 'run',
  blocks: [],
  step: 5,
  lag: 0,
  heartbeatAgeMs: 50,
  lastSeenAtMs: null,
  rankMs: null,
  paceRatio: null,
  residentBytes: null,
  startedAtMs: 0,
  lastLines: [],
  ...change,
});
const crewOf = (...workers: WorkerReport[]): Crew => ({ workers: byId(...workers) });
const byId = (...workers: WorkerReport[]): Map<string, WorkerReport> =>
  new Map(workers.map((one) => [one.memberId, one]));
const namesOf = (workers: readonly WorkerReport[]): string[] =>
  workers.map(({ memberId }) => memberId);

const both = crewOf(worker('a'), worker('b'));
const alone = crewOf(worker('a'));
const reason = 'without b: the connection was closed (seen by a at step 5)';

/** What is said when `b` is out of the view at 0 ms, and at a later look. */
function watch(atMs: number, ...known: WorkerReport[]): CrewChanges {
  const fresh = byId(worker('a'), worker('b', { heartbeatAgeMs: 150 }));
  const first = compareCrews(0, { before: both, after: alone }, [], fresh, reason);
  expect([...first.left, ...first.lost]).toEqual([]);
  const departures: readonly Departure[] = first.departures;
  return compareCrews(atMs, { before: alone, after: alone }, departures, byId(...known), 'later');
}

describe('a worker that the view no longer has', () => {
  it('is lost once it is silent, for the reason of the view that left it out', () => {
    const silent = watch(1_000, worker('a'), worker('b', { heartbeatAgeMs: 1_150 }));
    expect(silent.lost).toMatchObject([
      { memberId: 'b', state: 'lost', reason: 'the connection was closed (seen by a at step 5)' },
    ]);
    expect(namesOf(watch(400, worker('a')).lost)).toEqual(['b']);
    expect(silent.lost[0]?.heartbeatAgeMs).toBe(1_150);
    expect(watch(400, worker('a')).lost[0]?.heartbeatAgeMs).toBe(50 + 400);
  });

  it('has left when it beats on', () => {
    const beating = worker('b', { heartbeatAgeMs: 30, reason: 'not needed now' });
    expect(watch(400, beating).departures).toHaveLength(1);
    expect(watch(2_000, beating)).toMatchObject({ left: [beating], lost: [], departures: [] });
  });

  it('has left when it told of its end', () => {
    const ending = worker('b', { state: 'draining' });
    expect(namesOf(watch(200, ending).left)).toEqual(['b']);
  });

  it('has neither left nor is lost when a later view has it again', () => {
    const departures = [{ worker: worker('b'), sinceMs: 0, viewReason: reason }];
    const back = compareCrews(500, { before: alone, after: both }, departures, byId(), '');
    expect(back).toMatchObject({ left: [], lost: [], departures: [] });
    expect(namesOf(back.joined)).toEqual(['b']);
  });
});
