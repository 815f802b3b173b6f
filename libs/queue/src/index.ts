export {
  createCheckpointIndex,
  type CheckpointIndex,
  type CheckpointRef,
} from './records/checkpoint-index.ts';
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
export {
  createJobConsumer,
  type JobConsumer,
  type JobConsumerOptions,
} from './jobs/job-consumer.ts';
export { createJobBoard, type JobBoard } from './jobs/job-board.ts';
export {
  createJobProducer,
  jobIdOf,
  type EnqueueOptions,
  type JobCounts,
  type JobProducer,
} from './jobs/job-producer.ts';
export {
  createLease,
  decideLease,
  keepLease,
  type Holding,
  type KeepLeaseOptions,
  type Lease,
  type LeaseAnswer,
  type LeaseDecision,
} from './coordination/lease.ts';
export {
  createLedger,
  type CommitState,
  type Ledger,
  type ViewId,
  type VoteResult,
} from './coordination/ledger.ts';
export { nextHead } from './coordination/ledger-chain.ts';
export { openLogSink, type LogSink } from './logs/log-sink.ts';
export { createLogStream, type LogFilter, type LogStream } from './logs/log-stream.ts';
export {
  createMembers,
  memberTtlMs,
  type LiveMember,
  type Members,
  type UnreadableMember,
} from './coordination/members.ts';
export { createMetricsLog, type MetricsLog } from './records/metrics-log.ts';
export {
  redisServerPrograms,
  startRedisServer,
  type RedisProcess,
  type RedisServerOptions,
} from './server/redis-server.ts';
export { probeWrites } from './connection/probe-writes.ts';
export { createRendezvous, type Rendezvous } from './coordination/rendezvous.ts';
export { createRunChronicle, type MarkerPage, type RunChronicle } from './records/run-chronicle.ts';
export { createRuns, type Runs } from './records/runs.ts';
export {
  LedgerVerifier,
  type LedgerReport,
  type VerifyLedgerOptions,
} from './coordination/verify-ledger.ts';
export {
  createViews,
  type SubscribeOptions,
  type ViewDraft,
  type Views,
} from './coordination/views.ts';
