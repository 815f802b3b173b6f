import { readKnown, runEventSchema, type NewRunEvent, type RunEvent } from '@berth/contracts';
import type { RedisConnection } from '../connection/connection.ts';
import { runKeys } from '../connection/keys.ts';

/** Some events, oldest first, and where to go on from. */
export interface EventPage {
  readonly events: RunEvent[];
  readonly cursor: string;
}

/**
 * What happened to a run, newest kept. Each event is written by the script that makes the change it tells of, so none is lost or
 * said twice, whoever dies over it.
 */
export interface RunEvents {
  /** Events after a cursor of an earlier answer; '' for all that are kept. */
  after(cursor: string): Promise<EventPage>;
  /** Up to where the log has been told; '' for nothing. */
  toldUntil(): Promise<string>;
  noteTold(cursor: string): Promise<void>;
}

export function createRunEvents(connection: RedisConnection, runId: string): RunEvents {
  const { events, eventsTold } = runKeys(runId);
  return {
    async after(cursor) {
      const start = cursor === '' ? '-' : `(${cursor}`;
      const items = await connection.call((client) => client.xrange(events, start, '+'));
      return {
        events: items.flatMap(([, fields]) => readEvent(fields)),
        cursor: items.at(-1)?.[0] ?? cursor,
      };
    },
    toldUntil: async () => (await connection.call((client) => client.get(eventsTold))) ?? '',
    async noteTold(cursor) {
      await connection.call((client) => client.set(eventsTold, cursor));
    },
  };
}

/** As a script takes them. */
export function eventTexts(events: readonly NewRunEvent[]): string[] {
  return events.map((event) => JSON.stringify(event));
}

function readEvent([, text = '', , step]: string[]): RunEvent[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  // Older releases wrote the step among the rest.
  const placed = step === undefined ? value : { ...(value as object), step: Number(step) };
  const reading = readKnown(runEventSchema, placed);
  return reading.ok ? [reading.value] : [];
}
