import { markerSchema, workerReportSchema, type Marker, type WorkerReport } from '@berth/contracts';
import type { RedisConnection } from './connection.ts';
import { runKeys } from './keys.ts';

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
  const read = async (key: string, after: string): Promise<[string, unknown][]> => {
    const start = after === '' ? '-' : `(${after}`;
    const items = await connection.call((client) => client.xrange(key, start, '+'));
    return items.map(([id, fields]) => [id, JSON.parse(fields[1] ?? 'null')]);
  };
  return {
    mark: (marker) => append(keys.markers, numMarkers, marker),
    async markers(after) {
      const items = await read(keys.markers, after);
      return {
        markers: items.flatMap(([, value]) => markerSchema.safeParse(value).data ?? []),
        cursor: items.at(-1)?.[0] ?? after,
      };
    },
    noteLost: (worker) => append(keys.lostWorkers, numLost, worker),
    async lost() {
      const byId = new Map<string, WorkerReport>();
      for (const [, value] of await read(keys.lostWorkers, '')) {
        const { data } = workerReportSchema.safeParse(value);
        if (data !== undefined) byId.set(data.memberId, data);
      }
      return [...byId.values()].slice(-numLost);
    },
  };
}
