import type { LogSink } from '@berth/queue';
import type { Exit } from './supervised-process.ts';
import { mostTelling } from './last-words.ts';

/**
 * Adds a process's end to its own log, with what it wrote last besides: a process that a signal or a native library
 * ends cannot tell itself. Does not reject.
 */
export async function reportDeath(
  name: string,
  { how, readyMessage, lastWords }: Exit,
  sink: Pick<LogSink, 'append'>,
): Promise<void> {
  const source = idIn(readyMessage) ?? name;
  const why = mostTelling(lastWords);
  const last = why === undefined ? '' : `; its last words: ${why}`;
  await sink
    .append([
      {
        timeMs: Date.now(),
        level: 'error',
        message: `${name} ${how}${last}`,
        app: 'cli',
        source,
        runId: null,
        attempt: null,
        step: null,
        fields: { lastWords },
      },
    ])
    .catch(() => undefined);
}

/** The member or coordinator id in what a process said when it was ready. */
function idIn(readyMessage: unknown): string | undefined {
  const { memberId, coordinatorId } = (readyMessage ?? {}) as Record<string, unknown>;
  return [memberId, coordinatorId].find((id) => typeof id === 'string');
}
