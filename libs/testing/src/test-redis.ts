import {
  redisServerPrograms,
  startRedisServer,
  type RedisProcess,
  type RedisServerOptions,
} from '@berth/queue';
import { temporaryFolder } from './temporary-folder.ts';

/** A Redis server of the test's own, its data in a temporary folder; end it with `stop()` in `afterAll`. */
export async function startTestRedis(
  options: Omit<RedisServerOptions, 'programs'> = {},
): Promise<RedisProcess> {
  const folder = options.folder ?? (await temporaryFolder()).path;
  return startRedisServer({ ...options, folder, programs: redisServerPrograms(process.env) });
}
