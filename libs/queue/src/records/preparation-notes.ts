import {
  jobNoteSchema,
  preparationProgressSchema,
  readJson,
  unseenSchema,
  type JobNote,
  type PreparationProgress,
  type Reading,
  type Unseen,
} from '@berth/contracts';
import type { RedisConnection } from '../connection/connection.ts';
import { runKeys } from '../connection/keys.ts';

/** How far the data of a run is: for people, and lost without harm. */
export interface PreparationNotes {
  /** @param job - names a job among those of the run */
  note(job: string, note: JobNote): Promise<void>;
  all(): Promise<ReadonlyMap<string, JobNote>>;
  /** Notes that a worker does not see the corpus, and how that showed; or that it does. */
  sees(memberId: string, unseen: Unseen | undefined): Promise<void>;
  /** Workers that do not see it, with how that showed. */
  blind(): Promise<ReadonlyMap<string, Unseen>>;
  report(progress: PreparationProgress): Promise<void>;
  /** What was reported in the last minute. */
  reported(): Promise<PreparationProgress | undefined>;
  /** Forgets all of it. */
  clear(): Promise<void>;
}

const keptMs = 24 * 3_600_000;
const reportedMs = 60_000;

export function createPreparationNotes(
  connection: RedisConnection,
  runId: string,
): PreparationNotes {
  const { preparation, preparationReport, preparationBlind } = runKeys(runId);
  const set = async (key: string, field: string, text: string): Promise<void> => {
    await connection.call((client) =>
      client.multi().hset(key, field, text).pexpire(key, keptMs).exec(),
    );
  };
  /** What can be read: another release may have noted something else. */
  const readAll = async <T>(
    key: string,
    read: (text: string) => Reading<T>,
  ): Promise<ReadonlyMap<string, T>> => {
    const fields = await connection.call((client) => client.hgetall(key));
    return new Map(
      Object.entries(fields).flatMap(([field, text]): [string, T][] => {
        const reading = read(text);
        return reading.ok ? [[field, reading.value]] : [];
      }),
    );
  };

  return {
    note: (job, note) => set(preparation, job, JSON.stringify(note)),

    all: () => readAll(preparation, (text) => readJson(jobNoteSchema, text)),

    async sees(memberId, unseen) {
      if (unseen === undefined)
        await connection.call((client) => client.hdel(preparationBlind, memberId));
      else await set(preparationBlind, memberId, JSON.stringify(unseen));
    },

    blind: () => readAll(preparationBlind, (text) => readJson(unseenSchema, text)),

    async report(progress) {
      await connection.call((client) =>
        client.set(preparationReport, JSON.stringify(progress), 'PX', reportedMs),
      );
    },

    async reported() {
      const text = await connection.call((client) => client.get(preparationReport));
      if (text === null) return undefined;
      const reading = readJson(preparationProgressSchema, text);
      return reading.ok ? reading.value : undefined;
    },

    async clear() {
      await connection.call((client) =>
        client.unlink(preparation, preparationReport, preparationBlind),
      );
    },
  };
}
