import { setTimeout as sleep } from 'node:timers/promises';
import { errorToWire, type Logger, type RunEvent } from '@berth/contracts';
import { createRuns, openRun, type RedisConnection } from '@berth/queue';
import type { LogSource } from '../ports.ts';

export interface TellOptions {
  readonly connection: RedisConnection;
  readonly logs: LogSource;
  /** Whether this coordinator leads: one tells. */
  isLeader(): Promise<boolean>;
  readonly logger: Logger;
}

const pollEveryMs = 400;

/**
 * While this coordinator leads, logs what happens to runs, until the signal. How far it has come is in Redis: who takes over goes
 * on from there.
 */
export async function tellEvents(options: TellOptions, signal: AbortSignal): Promise<void> {
  /** When each run's record was changed last, as far as its events were told since. */
  let told = new Map<string, number>();
  while (!signal.aborted) {
    await sleep(pollEveryMs, undefined, { signal }).catch(() => undefined);
    try {
      if (signal.aborted) return;
      if (await options.isLeader()) await tellOfAll(options, told);
      else told = new Map();
    } catch (error) {
      options.logger.debug('Events are told later', { error: errorToWire(error) });
    }
  }
}

async function tellOfAll(options: TellOptions, told: Map<string, number>): Promise<void> {
  const runs = createRuns(options.connection);
  const active = await runs.active();
  for (const { runId, updatedAtMs } of await runs.list()) {
    if (runId !== active && told.get(runId) === updatedAtMs) continue;
    await tellNewEvents(options, runId);
    told.set(runId, updatedAtMs);
  }
}

/** Logs the events of a run that no coordinator has logged yet. */
export async function tellNewEvents(
  { connection, logs, logger }: Omit<TellOptions, 'isLeader'>,
  runId: string,
): Promise<void> {
  const { events: log } = openRun(connection, runId);
  const { events, cursor } = await log.after(await log.toldUntil());
  if (events.length === 0) return;
  for (const event of events) {
    const { attempt } = event;
    await tell(event, runId, logs, logger.child({ runId, attempt }));
  }
  await log.noteTold(cursor);
}

async function tell(
  { kind, text, step, memberId = '' }: RunEvent,
  runId: string,
  logs: LogSource,
  logger: Logger,
): Promise<void> {
  switch (kind) {
    case 'joined':
      logger.info(`${memberId} has joined the run`, { worker: memberId, step });
      return;
    case 'left':
      logger.info(`${memberId} has left the run`, { worker: memberId, step });
      return;
    case 'lost': {
      const why = text.replace(`${memberId} lost: `, '');
      const lastLines = await logs.lastLines(memberId).catch(() => []);
      logger.warn(`The run goes on without ${memberId}: ${why}`, {
        worker: memberId,
        step,
        lastLines,
      });
      return;
    }
    case 'diverged':
      logger.warn(text, { step });
      return;
    case 'status':
      logger.info(`Run ${runId} is ${text}`, { step });
      return;
    case 'exported':
      logger.info(text, { step });
      return;
    case 'saved':
    case 'rewound':
      logger.info(`The run ${text}`, { step });
  }
}
