export {
  redisServerPrograms,
  startRedisServer,
  type RedisProcess,
  type RedisServerOptions,
} from './redis-server.ts';
