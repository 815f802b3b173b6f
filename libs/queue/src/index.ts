export type { CheckpointIndex, CheckpointRef } from './records/checkpoint-index.ts';
export { clockAheadMs } from './connection/clock.ts';
export { checkRedis, type RedisReport } from './connection/check-redis.ts';
export {
  connectRedis,
  redisAddress,
  type ConnectOptions,
  type RedisConnection,
} from './connection/connection.ts';
export {
  leaseDevice,
  type DeviceLease,
  type LeaseDeviceOptions,
} from './coordination/device-lease.ts';
export {
  createExampleIndex,
  type ExampleIndex,
  type ExampleShardName,
} from './records/example-index.ts';
export { createLease, keepLease, type KeepLeaseOptions, type Lease } from './coordination/lease.ts';
export type { CommitState, Ledger } from './coordination/ledger.ts';
export { openLogSink, type LogSink } from './logs/log-sink.ts';
export type { LogFilter } from './logs/log-items.ts';
export { createLogStream, type LogStream } from './logs/log-stream.ts';
export {
  createMembers,
  type LiveMember,
  type Members,
  type UnreadableMember,
} from './coordination/members.ts';
export type { MetricsLog } from './records/metrics-log.ts';
export {
  redisServerPrograms,
  startRedisServer,
  type RedisListener,
  type RedisProcess,
  type RedisServerOptions,
} from './server/redis-server.ts';
export { probeWrites } from './connection/probe-writes.ts';
export type { Rendezvous } from './coordination/rendezvous.ts';
export type { EventPage, RunEvents } from './records/run-events.ts';
export { createPreparationNotes, type PreparationNotes } from './records/preparation-notes.ts';
export { createRelayNotes } from './records/relay-notes.ts';
export { createRuns, type Runs } from './records/runs.ts';
export type { SubscribeOptions, Views } from './coordination/views.ts';
export { openRun, type RunHandle } from './open-run.ts';
