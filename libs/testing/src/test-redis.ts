import {
  redisServerPrograms,
  startRedisServer,
  type RedisProcess,
  type RedisServerOptions,
} from '@berth/queue';

/** A Redis server of the test's own, without leftovers; end it with `stop()` in `afterAll`. */
export function startTestRedis(
  options: Omit<RedisServerOptions, 'programs'> = {},
): Promise<RedisProcess> {
  return startRedisServer({ ...options, programs: redisServerPrograms(process.env) });
}
