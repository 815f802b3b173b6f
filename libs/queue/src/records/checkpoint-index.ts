import type { RedisConnection } from '../connection/connection.ts';
import { runKeys } from '../connection/keys.ts';

export interface CheckpointRef {
  readonly step: number;
  readonly manifestKey: string;
  readonly savedAtMs: number;
}

/** Which checkpoints of a run have their manifest: a copy of what the store says, quick to ask. */
export interface CheckpointIndex {
  note(checkpoint: CheckpointRef): Promise<void>;
  at(step: number): Promise<CheckpointRef | undefined>;
  /** Oldest first. */
  list(): Promise<CheckpointRef[]>;
  newest(): Promise<CheckpointRef | undefined>;
  forget(step: number): Promise<void>;
}

export function createCheckpointIndex(connection: RedisConnection, runId: string): CheckpointIndex {
  const key = runKeys(runId).checkpoints;
  const list = async (): Promise<CheckpointRef[]> => {
    const all = await connection.call((client) => client.hgetall(key));
    const refs = Object.entries(all).map(([step, value]) => parseRef(Number(step), value));
    return refs.sort((a, b) => a.step - b.step);
  };
  return {
    list,
    async note({ step, manifestKey, savedAtMs }) {
      const value = `${savedAtMs} ${manifestKey}`;
      await connection.call((client) => client.hset(key, String(step), value));
    },
    async at(step) {
      const value = await connection.call((client) => client.hget(key, String(step)));
      return value === null ? undefined : parseRef(step, value);
    },
    newest: async () => (await list()).at(-1),
    async forget(step) {
      await connection.call((client) => client.hdel(key, String(step)));
    },
  };
}

function parseRef(step: number, value: string): CheckpointRef {
  const space = value.indexOf(' ');
  return { step, savedAtMs: Number(value.slice(0, space)), manifestKey: value.slice(space + 1) };
}
