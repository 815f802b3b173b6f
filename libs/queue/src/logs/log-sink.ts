import type { LogLine } from '@berth/contracts';
import { connectRedis, type RedisConnection } from '../connection/connection.ts';
import { createLogStream } from './log-stream.ts';

/** Where a process ships its log lines to, over a connection of its own: logs never wait in front of votes. */
export interface LogSink {
  /** @throws BerthError `QUEUE_UNREACHABLE` */
  append(lines: readonly LogLine[]): Promise<void>;
  close(): void;
}

const connectTimeoutMs = 2_000;

/** Connects at the first use, and at the next one if that fails. */
export function openLogSink(redisUrl: string): LogSink {
  let connecting: Promise<RedisConnection> | undefined;
  let isClosed = false;
  const connect = async (): Promise<RedisConnection> => {
    try {
      const options = { role: 'producer', timeoutMs: connectTimeoutMs } as const;
      const connection = await connectRedis(redisUrl, options);
      if (isClosed) connection.close();
      return connection;
    } catch (error) {
      connecting = undefined;
      throw error;
    }
  };
  return {
    async append(lines) {
      connecting ??= connect();
      await createLogStream(await connecting).append(lines);
    },
    close() {
      isClosed = true;
      connecting?.then(
        (connection) => connection.close(),
        () => undefined,
      );
    },
  };
}
