import type { RedisConnection } from './connection.ts';
import { runKeys } from './keys.ts';

export interface CheckpointRef {
  readonly step: number;
  readonly manifestKey: string;
}

/** Which checkpoints of a run have their manifest: a copy of what the store says, quick to ask. */
export interface CheckpointIndex {
  note(checkpoint: CheckpointRef): Promise<void>;
  at(step: number): Promise<CheckpointRef | undefined>;
  newest(): Promise<CheckpointRef | undefined>;
  forget(step: number): Promise<void>;
}

export function createCheckpointIndex(connection: RedisConnection, runId: string): CheckpointIndex {
  const key = runKeys(runId).checkpoints;
  return {
    async note({ step, manifestKey }) {
      await connection.call((client) => client.hset(key, String(step), manifestKey));
    },
    async at(step) {
      const manifestKey = await connection.call((client) => client.hget(key, String(step)));
      return manifestKey === null ? undefined : { step, manifestKey };
    },
    async newest() {
      const all = await connection.call((client) => client.hgetall(key));
      const step = Math.max(-1, ...Object.keys(all).map(Number));
      const manifestKey = all[String(step)];
      return manifestKey === undefined ? undefined : { step, manifestKey };
    },
    async forget(step) {
      await connection.call((client) => client.hdel(key, String(step)));
    },
  };
}
