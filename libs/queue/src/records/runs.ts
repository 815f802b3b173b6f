import {
  BerthError,
  canonicalJson,
  readJson,
  runRecordSchema,
  withUnknown,
  type NewRunEvent,
  type RunRecord,
} from '@berth/contracts';
import { eventsOfRecord } from '@berth/protocol';
import type { RedisConnection } from '../connection/connection.ts';
import { globalKeys, keysOfRun, runKeys } from '../connection/keys.ts';
import { compareAndSetScript } from './lua/compare-and-set.ts';
import { staleEpoch } from '../coordination/stale-epoch.ts';
import { eventTexts } from './run-events.ts';

/** Run records, and which run is the active one. */
export interface Runs {
  /** @throws BerthError `RUN_STATE_CONFLICT` when the run exists */
  create(record: RunRecord): Promise<void>;
  /** @throws BerthError `RUN_STATE_CONFLICT` when its record cannot be read */
  read(runId: string): Promise<RunRecord | undefined>;
  /**
   * Changes a record that still is what the caller read and decided upon. For the coordinator that leads.
   * @throws BerthError `RUN_NOT_FOUND`; `RUN_STATE_CONFLICT` when it has changed since, `QUEUE_STALE_EPOCH` when the lease is of another epoch
   */
  update(
    known: RunRecord,
    change: Partial<Omit<RunRecord, 'runId'>>,
    fencingEpoch: number,
  ): Promise<RunRecord>;
  /**
   * Changes a record by a decision on what it says at that moment; undefined changes nothing.
   * @throws BerthError `RUN_NOT_FOUND`, and what `decide` throws
   */
  change(
    runId: string,
    decide: (record: RunRecord) => Partial<Omit<RunRecord, 'runId'>> | undefined,
  ): Promise<RunRecord>;
  /** Newest first, without those that cannot be read. */
  list(): Promise<RunRecord[]>;
  /** As `list`, with what is wrong with the others. */
  survey(): Promise<{ readonly records: RunRecord[]; readonly unreadable: UnreadableRun[] }>;
  /** Removes a run with all that is kept of it, its record last; one that is gone already stays so. */
  remove(runId: string): Promise<void>;
  active(): Promise<string | undefined>;
  /**
   * Makes a run the active one, or none. For the coordinator that leads.
   * @param expected - what is active now, as far as the caller knows
   * @throws BerthError `RUN_STATE_CONFLICT` when another run is active, `QUEUE_STALE_EPOCH` when the lease is of another epoch
   */
  setActive(
    runId: string | undefined,
    expected: string | undefined,
    fencingEpoch: number,
  ): Promise<void>;
}

/** A run whose record is broken, or that another release wrote so that this one cannot read it. */
export interface UnreadableRun {
  readonly runId: string;
  readonly problem: string;
}

type Replaced = 'replaced' | 'same' | 'conflict';

export function createRuns(connection: RedisConnection): Runs {
  const readText = (runId: string): Promise<string | null> =>
    connection.call((client) => client.get(runKeys(runId).record));
  const replace = async (
    key: string,
    before: string,
    after: string,
    fencingEpoch?: number,
    { runId = '', events = [] as readonly NewRunEvent[] } = {},
  ): Promise<Replaced> => {
    const parameters = [before, after, fencingEpoch ?? '', ...eventTexts(events)];
    const run = runKeys(runId);
    const keys = [key, globalKeys.lease, run.events, run.ledger];
    const reply = await connection.run(compareAndSetScript, keys, parameters);
    const [outcome, newest] = reply as [number, number];
    if (outcome === -1) throw staleEpoch(key, Number(fencingEpoch), newest);
    return outcome === 1 ? 'replaced' : outcome === 2 ? 'same' : 'conflict';
  };

  const survey: Runs['survey'] = async () => {
    const ids = await connection.call((client) => client.zrevrange(globalKeys.runs, 0, -1));
    const texts = await Promise.all(ids.map(readText));
    const records: RunRecord[] = [];
    const unreadable: UnreadableRun[] = [];
    for (const [index, runId] of ids.entries()) {
      const text = texts[index] ?? null;
      if (text === null) continue;
      const reading = readJson(runRecordSchema, text);
      if (reading.ok) records.push(reading.value);
      else unreadable.push({ runId, problem: reading.problem });
    }
    return { records, unreadable };
  };

  return {
    async create(record) {
      const { runId, createdAtMs } = record;
      // Listed first: a name without a record is skipped, a record without a name would be lost.
      await connection.call((client) => client.zadd(globalKeys.runs, 'NX', createdAtMs, runId));
      if ((await replace(runKeys(runId).record, '', JSON.stringify(record))) === 'conflict')
        throw new BerthError(
          'RUN_STATE_CONFLICT',
          `run ${runId} exists already; resume it, or choose another name`,
          { details: { runId } },
        );
    },

    async read(runId) {
      const text = await readText(runId);
      return text === null ? undefined : parseRecord(runId, text);
    },

    async update(known, change, fencingEpoch) {
      const { runId } = known;
      const text = await readText(runId);
      if (text === null) throw notFound(runId);
      const updated = changed(known, change);
      const isKnown = canonicalJson(parseRecord(runId, text)) === canonicalJson(known);
      const { record } = runKeys(runId);
      const outcome = isKnown
        ? await replace(record, text, rewritten(text, updated), fencingEpoch, {
            runId,
            events: eventsOfRecord(known, updated),
          })
        : 'conflict';
      if (outcome !== 'conflict') return updated;
      throw new BerthError(
        'RUN_STATE_CONFLICT',
        `run ${runId} was changed by somebody else meanwhile; decide anew`,
        { details: { runId } },
      );
    },

    async change(runId, decide) {
      for (;;) {
        const text = await readText(runId);
        if (text === null) throw notFound(runId);
        const record = parseRecord(runId, text);
        const change = decide(record);
        if (change === undefined) return record;
        const updated = changed(record, change);
        const told = { runId, events: eventsOfRecord(record, updated) };
        const after = rewritten(text, updated);
        const outcome = await replace(runKeys(runId).record, text, after, undefined, told);
        if (outcome === 'replaced') return updated;
      }
    },

    async remove(runId) {
      const { record } = runKeys(runId);
      for (let cursor = '0'; ;) {
        const [next, keys] = await connection.call((client) =>
          client.scan(cursor, 'MATCH', keysOfRun(runId), 'COUNT', 1_000),
        );
        const others = keys.filter((key) => key !== record);
        if (others.length > 0) await connection.call((client) => client.unlink(...others));
        cursor = next;
        if (cursor === '0') break;
      }
      await connection.call((client) => client.unlink(record));
      await connection.call((client) => client.zrem(globalKeys.runs, runId));
    },

    list: async () => (await survey()).records,
    survey,

    async active() {
      return (await connection.call((client) => client.get(globalKeys.activeRun))) ?? undefined;
    },

    async setActive(runId, expected, fencingEpoch) {
      const [before, after] = [expected ?? '', runId ?? ''];
      const outcome = await replace(globalKeys.activeRun, before, after, fencingEpoch);
      if (outcome !== 'conflict') return;
      const active = await this.active();
      throw new BerthError(
        'RUN_STATE_CONFLICT',
        `run ${active ?? 'none'} is active; stop it first`,
        {
          details: { active: active ?? null },
        },
      );
    },
  };
}

/** The record after a change. Its time grows with each, whatever clocks say: it tells which of two copies is the newer. */
function changed(record: RunRecord, change: Partial<RunRecord>): RunRecord {
  const { updatedAtMs } = { ...record, ...change };
  const later = Math.max(updatedAtMs, record.updatedAtMs + 1);
  return runRecordSchema.parse({ ...record, ...change, updatedAtMs: later });
}

/** The text of a record in place of another, of which it keeps what only a later release knows. */
function rewritten(before: string, after: RunRecord): string {
  return JSON.stringify(withUnknown(runRecordSchema, JSON.parse(before), after));
}

function notFound(runId: string): BerthError {
  return new BerthError('RUN_NOT_FOUND', `there is no run ${runId}`, { details: { runId } });
}

function parseRecord(runId: string, text: string): RunRecord {
  const reading = readJson(runRecordSchema, text);
  if (reading.ok) return reading.value;
  throw new BerthError(
    'RUN_STATE_CONFLICT',
    `the record of run ${runId} cannot be read, as another version of berth wrote it or it is damaged: ${reading.problem}`,
    { details: { runId } },
  );
}
