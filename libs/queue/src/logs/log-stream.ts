import { setTimeout as sleep } from 'node:timers/promises';
import {
  cutLogLine,
  isBerthError,
  logLevels,
  type LogLine,
  type LogPage,
  type LogQuery,
} from '@berth/contracts';
import type { RedisConnection } from '../connection/connection.ts';
import { listenForHints } from '../connection/hints.ts';
import { globalKeys, logTailKey } from '../connection/keys.ts';
import { matcherOf, parseLogLine, type LogFilter, type StreamItem } from './log-items.ts';
import { appendLogsScript } from './lua/logs.ts';

/** The newest log lines of all processes, in the order they came. Redis may lose them: nothing depends on them. */
export interface LogStream {
  /** Adds lines, oldest first. Lines beyond the size limit are cut. @throws BerthError `QUEUE_UNREACHABLE` */
  append(lines: readonly LogLine[]): Promise<void>;
  /**
   * Lines that pass the filter: from a cursor on, before one, or the newest.
   * @param query.limit - lines at most; fewer come only where there are no more
   */
  page(
    query: LogFilter & Partial<Pick<LogQuery, 'after' | 'before'>> & { readonly limit: number },
  ): Promise<LogPage>;
  /**
   * Calls back with lines that come from now on, or after a cursor, at most ten times a second, until the signal.
   * While Redis is away it keeps looking.
   */
  subscribe(
    onLines: (lines: readonly LogLine[]) => void,
    options: LogFilter & { readonly signal: AbortSignal; readonly after?: string },
  ): Promise<void>;
  /** The newest lines of a worker or coordinator, at most 20, oldest first; also long after its end. */
  lastLinesOf(source: string, numLines: number): Promise<LogLine[]>;
}

const numLastLines = 20;
const lastLinesTtlSeconds = 7 * 86_400;
const scanChunk = 500;
const linesPerCall = 200;
const pollMs = 1_000;
const pauseMs = 100;
const noLine = '0-0';

/** @param options.capacity - lines kept, about. @defaultValue 20_000 */
export function createLogStream(
  connection: RedisConnection,
  { capacity = 20_000 }: { readonly capacity?: number } = {},
): LogStream {
  const { logs, logsHints } = globalKeys;

  const scan = (direction: 'forward' | 'back', from: string): Promise<StreamItem[]> =>
    connection.call((client) => {
      if (direction === 'back') return client.xrevrange(logs, from, '-', 'COUNT', scanChunk);
      return client.xrange(logs, from, '+', 'COUNT', scanChunk);
    });

  const pageAfter = async (query: LogFilter, after: string, limit: number): Promise<LogPage> => {
    const matches = matcherOf(query);
    const lines: LogLine[] = [];
    let [first, cursor] = ['', after];
    while (lines.length < limit) {
      const items = await scan('forward', `(${cursor}`);
      for (const item of items) {
        [cursor] = item;
        if (first === '') first = cursor;
        const line = matches(item);
        if (line !== undefined) lines.push(line);
        if (lines.length === limit) break;
      }
      if (items.length < scanChunk) break;
    }
    return { lines, before: first, after: cursor };
  };

  const pageBefore = async (query: LogFilter, before: string, limit: number): Promise<LogPage> => {
    const matches = matcherOf(query);
    const lines: LogLine[] = [];
    let [oldest, newest] = [before, ''];
    while (lines.length < limit) {
      const items = await scan('back', oldest === '' ? '+' : `(${oldest}`);
      for (const item of items) {
        [oldest] = item;
        if (newest === '') newest = oldest;
        const line = matches(item);
        if (line !== undefined) lines.push(line);
        if (lines.length === limit) break;
      }
      if (items.length < scanChunk) break;
    }
    return { lines: lines.toReversed(), before: oldest || noLine, after: newest || noLine };
  };

  // Cursors are ids of lines, and exclusive.
  const page: LogStream['page'] = ({ after, before = '', limit, ...filter }) =>
    after === undefined
      ? pageBefore(filter, before, limit)
      : pageAfter(filter, after || noLine, limit);

  return {
    page,

    async append(lines) {
      for (let start = 0; start < lines.length;) {
        const source = lines[start]?.source ?? '';
        const others = lines.findIndex((line, i) => i > start && line.source !== source);
        const end = Math.min(others < 0 ? lines.length : others, start + linesPerCall);
        const args = lines
          .slice(start, end)
          .flatMap((line) => [
            logLevels.indexOf(line.level),
            line.runId ?? '',
            JSON.stringify(cutLogLine(line)),
          ]);
        await connection.run(
          appendLogsScript,
          [logs, logTailKey(source)],
          [capacity, numLastLines, lastLinesTtlSeconds, logsHints, source, ...args],
        );
        start = end;
      }
    },

    async subscribe(onLines, { signal, after, ...filter }) {
      const hints = listenForHints(connection, logsHints, signal);
      let cursor = after;
      try {
        while (!signal.aborted) {
          try {
            cursor ??= (await page({ limit: 1 })).after;
            const found = await pageAfter(filter, cursor, scanChunk);
            cursor = found.after;
            if (found.lines.length > 0 && !signal.aborted) onLines(found.lines);
            if (found.lines.length === scanChunk) continue;
          } catch (error) {
            if (!isBerthError(error) || error.code !== 'QUEUE_UNREACHABLE') throw error;
          }
          // The pause lets a burst of hints lead to one look.
          if (await hints.wait(pollMs))
            await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
        }
      } finally {
        hints.close();
      }
    },

    async lastLinesOf(source, numLines) {
      const count = Math.min(numLines, numLastLines);
      if (count <= 0) return [];
      const texts = await connection.call((client) =>
        client.lrange(logTailKey(source), 0, count - 1),
      );
      return texts.toReversed().flatMap((text) => parseLogLine(text) ?? []);
    },
  };
}
