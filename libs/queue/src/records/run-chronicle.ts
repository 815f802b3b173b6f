import {
  markerSchema,
  readJson,
  workerReportSchema,
  type Marker,
  type WorkerReport,
} from '@berth/contracts';
import type { RedisConnection } from '../connection/connection.ts';
import { runKeys } from '../connection/keys.ts';

/** Some markers, oldest first, and where to go on from. */
export interface MarkerPage {
  readonly markers: Marker[];
  readonly cursor: string;
}

/** What happened to a run's workers, as the leading coordinator saw it; a capped memory, nothing depends on it. */
export interface RunChronicle {
  mark(marker: Marker): Promise<void>;
  /** Markers after a cursor of an earlier answer; '' for all that are kept. */
  markers(after: string): Promise<MarkerPage>;
  noteLost(worker: WorkerReport): Promise<void>;
  /** One that was lost is there again: its heartbeats were late. Of another, nothing is noted. */
  noteBack(worker: WorkerReport): Promise<void>;
  /** The newest ones, oldest first. */
  lost(): Promise<WorkerReport[]>;
}

const numMarkers = 500;
const numLost = 64;

export function createRunChronicle(connection: RedisConnection, runId: string): RunChronicle {
  const keys = runKeys(runId);
  const append = async (key: string, capacity: number, value: unknown): Promise<void> => {
    await connection.call((client) =>
      client.xadd(key, 'MAXLEN', '~', capacity, '*', 'json', JSON.stringify(value)),
    );
  };
  const read = async (key: string, after: string): Promise<[string, string][]> => {
    const start = after === '' ? '-' : `(${after}`;
    const items = await connection.call((client) => client.xrange(key, start, '+'));
    return items.map(([id, fields]) => [id, fields[1] ?? '']);
  };
  const lost = async (): Promise<WorkerReport[]> => {
    const byId = new Map<string, WorkerReport>();
    for (const [, text] of await read(keys.lostWorkers, '')) {
      const reading = readJson(workerReportSchema, text);
      if (reading.ok) byId.set(reading.value.memberId, reading.value);
    }
    return [...byId.values()].filter(({ state }) => state === 'lost').slice(-numLost);
  };
  return {
    mark: (marker) => append(keys.markers, numMarkers, marker),
    async markers(after) {
      const items = await read(keys.markers, after);
      return {
        markers: items.flatMap(([, text]) => {
          const reading = readJson(markerSchema, text);
          return reading.ok ? [reading.value] : [];
        }),
        cursor: items.at(-1)?.[0] ?? after,
      };
    },
    noteLost: (worker) => append(keys.lostWorkers, numLost, worker),
    async noteBack(worker) {
      if ((await lost()).some(({ memberId }) => memberId === worker.memberId))
        await append(keys.lostWorkers, numLost, worker);
    },
    lost,
  };
}
