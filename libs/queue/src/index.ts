export {
  createCheckpointIndex,
  type CheckpointIndex,
  type CheckpointRef,
} from './checkpoint-index.ts';
export { checkRedis, type RedisReport } from './check-redis.ts';
export {
  connectRedis,
  redisAddress,
  type ConnectOptions,
  type RedisConnection,
} from './connection.ts';
export { leaseDevice, type DeviceLease, type LeaseDeviceOptions } from './device-lease.ts';
export { createExampleIndex, type ExampleIndex, type ExampleShardName } from './example-index.ts';
export { createJobConsumer, type JobConsumer, type JobConsumerOptions } from './job-consumer.ts';
export { createJobBoard, type JobBoard } from './job-board.ts';
export {
  createJobProducer,
  jobIdOf,
  type EnqueueOptions,
  type JobCounts,
  type JobProducer,
} from './job-producer.ts';
export {
  createLease,
  decideLease,
  keepLease,
  type Holding,
  type KeepLeaseOptions,
  type Lease,
  type LeaseAnswer,
  type LeaseDecision,
} from './lease.ts';
export {
  createLedger,
  type CommitState,
  type Ledger,
  type ViewId,
  type VoteResult,
} from './ledger.ts';
export { nextHead } from './ledger-chain.ts';
export { openLogSink, type LogSink } from './log-sink.ts';
export { createLogStream, type LogFilter, type LogStream } from './log-stream.ts';
export {
  createMembers,
  memberTtlMs,
  type LiveMember,
  type Members,
  type UnreadableMember,
} from './members.ts';
export { createMetricsLog, type MetricsLog } from './metrics-log.ts';
export {
  redisServerPrograms,
  startRedisServer,
  type RedisProcess,
  type RedisServerOptions,
} from './redis-server.ts';
export { probeWrites } from './probe-writes.ts';
export { createRendezvous, type Rendezvous } from './rendezvous.ts';
export { createRunChronicle, type MarkerPage, type RunChronicle } from './run-chronicle.ts';
export { createRuns, type Runs } from './runs.ts';
export { LedgerVerifier, type LedgerReport, type VerifyLedgerOptions } from './verify-ledger.ts';
export { createViews, type SubscribeOptions, type ViewDraft, type Views } from './views.ts';
