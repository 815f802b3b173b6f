import { setTimeout as sleep } from 'node:timers/promises';
import { errorToWire, type Logger } from '@berth/contracts';
import { startRedisServer, type RedisServerOptions } from '@berth/queue';

/** An embedded Redis that comes back with its data, on the same port, when it dies. */
export interface KeptRedis {
  readonly url: string;
  /** Ends it like a crash; it comes back by itself. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const restartDelayMs = 200;

/** @throws BerthError as `startRedisServer`, for the first start only */
export async function keepRedis(options: RedisServerOptions, logger: Logger): Promise<KeptRedis> {
  let redis = await startRedisServer(options);
  const { url, port } = redis;
  const stopping = new AbortController();
  const keep = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await redis.exited;
      await sleep(restartDelayMs);
      if (stopping.signal.aborted) return;
      logger.warn('Redis has ended; starting it again', { url });
      try {
        redis = await startRedisServer({ ...options, port });
      } catch (error) {
        logger.warn('Redis did not start', { error: errorToWire(error) });
      }
    }
  };
  const keeping = keep();
  return {
    url,
    kill: () => redis.kill('SIGKILL'),
    async stop() {
      stopping.abort();
      await redis.stop();
      await keeping;
      // It may have been starting again at that very moment.
      await redis.stop();
    },
  };
}
