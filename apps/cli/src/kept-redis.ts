import { setTimeout as sleep } from 'node:timers/promises';
import { errorToWire, type Logger } from '@berth/contracts';
import { startRedisServer, type RedisServerOptions } from '@berth/queue';

/** An embedded Redis that comes back with its data, on the same port, when it dies. */
export interface KeptRedis {
  readonly url: string;
  /** Ends it like a crash. Resolves when it is back, by itself, after the outage. */
  kill(outageMs?: number): Promise<void>;
  /** Lets it stand still for a while. */
  pause(durationMs: number): Promise<void>;
  stop(): Promise<void>;
}

const restartDelayMs = 200;
const pollMs = 10;

/** @throws BerthError as `startRedisServer`, for the first start only */
export async function keepRedis(options: RedisServerOptions, logger: Logger): Promise<KeptRedis> {
  let redis = await startRedisServer(options);
  let delayMs = restartDelayMs;
  const { url, port } = redis;
  const stopping = new AbortController();
  const keep = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await redis.exited;
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
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
    async kill(outageMs = restartDelayMs) {
      const killed = redis;
      delayMs = outageMs;
      await killed.kill('SIGKILL');
      const isBack = (): boolean => redis !== killed || stopping.signal.aborted;
      while (!isBack()) await sleep(pollMs);
      delayMs = restartDelayMs;
    },
    async pause(durationMs) {
      const paused = redis;
      await paused.kill('SIGSTOP');
      await sleep(durationMs);
      await paused.kill('SIGCONT');
    },
    async stop() {
      stopping.abort();
      await redis.stop();
      await keeping;
      // It may have been starting again at that very moment.
      await redis.stop();
    },
  };
}
