import { z } from 'zod';
import { runConfigSchema } from '../run-config.ts';
import { runStatuses } from '../run-status.ts';
import { plainEngine } from '../plain-engine.ts';
import { alignedBlockSchema } from '../view.ts';
import { controlStateSchema } from './controls.ts';

export const workerStates = [
  'idle',
  'syncing',
  'active',
  'straggling',
  'draining',
  'refused',
  'stale',
  'lost',
] as const;

/** A worker as the dashboard shows it; those that a run has lost stay on its list. */
export const workerReportSchema = z.strictObject({
  memberId: z.string(),
  /** Position among the view's members; null outside it. */
  rank: z.int().nonnegative().nullable(),
  hostname: z.string(),
  host: z.string(),
  port: z.int(),
  /** False for one that others cannot dial, so that it dials them. */
  isReachable: z.boolean().default(true),
  pid: z.int(),
  /** "CPU", or the GPU's model. */
  device: z.string(),
  kernels: z.string(),
  numThreads: z.int().positive(),
  /** Release of berth; null where it does not say. */
  version: z.string().nullable().default(null),
  /** What started it. */
  engine: z.string().default(plainEngine),
  /** How far the clock of its machine was ahead of Redis' when it started; null where that is next to nothing. */
  clockAheadMs: z.number().nullable().default(null),
  /** Of its link, each way; null where it does not know. */
  linkBitsPerSecond: z.number().positive().nullable().default(null),
  state: z.enum(workerStates),
  /** Why it is in this state, for people. */
  reason: z.string(),
  runId: z.string().nullable(),
  blocks: z.array(alignedBlockSchema),
  /** Steps applied to the weights it holds; -1 when it holds none. */
  step: z.int().min(-1),
  /** Committed steps that it has yet to apply. */
  lag: z.int().nonnegative(),
  heartbeatAgeMs: z.number(),
  /** Unix time of its last heartbeat, once it is lost; null while it lives, and where that was not noted. */
  lastSeenAtMs: z.number().nullable().default(null),
  /** Time it computes a virtual rank in, lately. */
  rankMs: z.number().nullable(),
  /** That time over the median of the view's other members. */
  paceRatio: z.number().nullable(),
  residentBytes: z.number().nullable(),
  startedAtMs: z.number(),
  /** Its newest log lines, once it is lost. */
  lastLines: z.array(z.string()),
});
export type WorkerReport = z.output<typeof workerReportSchema>;

/** A checkpoint of a run; one that a resume from an older one left behind is abandoned. */
export const checkpointReportSchema = z.strictObject({
  step: z.int().nonnegative(),
  attempt: z.int().positive(),
  isAbandoned: z.boolean(),
  /** `rolling` ones go when newer ones come; the others stay. */
  kind: z.enum(['rolling', 'permanent', 'manual', 'final']),
  /** Whether none that is complete has a lesser held-out loss; it stays while that is so. */
  isBest: z.boolean().default(false),
  validity: z.enum(['complete', 'incomplete', 'corrupt']),
  sizeBytes: z.number(),
  numParts: z.int().nonnegative(),
  createdAtMs: z.number(),
  weightsDigest: z.string(),
  manifestKey: z.string(),
  /** What was measured of held-out examples at this step, by metric, if it was evaluated; `loss` is what all losses add up to. */
  heldOut: z.record(z.string(), z.number()).nullable(),
  /** Somebody asked for it: it stays until that is taken back. */
  isPinned: z.boolean().default(false),
  /** From the first upload to the manifest, and for how long training stood still; null where that was not noted. */
  saveMs: z.number().nullable().default(null),
  stallMs: z.number().nullable().default(null),
  /** False when the run's config has changed since. */
  matchesConfig: z.boolean(),
  /** Whether the run can go on from this one now. */
  resume: controlStateSchema,
});
export type CheckpointReport = z.output<typeof checkpointReportSchema>;

/** What goes with a run that is removed. */
export const removalReportSchema = z.strictObject({
  runId: z.string(),
  status: z.enum(runStatuses),
  /** True once nothing of it is left. */
  isDone: z.boolean(),
  /** What is left of it, without its record. */
  parts: z.array(
    z.strictObject({
      name: z.enum(['checkpoints', 'ledger', 'metrics', 'exports', 'dataset', 'examples']),
      numObjects: z.int().nonnegative(),
      sizeBytes: z.number(),
    }),
  ),
  /** Data that stays, and for whom. */
  kept: z.array(z.string()),
});
export type RemovalReport = z.output<typeof removalReportSchema>;

/** What may go of a bucket, in this order. */
export const pruneKinds = [
  'datasets',
  'examples',
  'unfinished',
  'leftovers',
  'plans',
  'preparations',
  'vocabularies',
] as const;
export type PruneKind = (typeof pruneKinds)[number];

/** What of the bucket nobody needs. */
export const pruneReportSchema = z.strictObject({
  /** True once nothing of it is left. */
  isDone: z.boolean(),
  /** What is left of it. */
  parts: z.array(
    z.strictObject({
      kind: z.enum(pruneKinds),
      /** Datasets, example sets, plans and so on. */
      numGroups: z.int().nonnegative(),
      numObjects: z.int().nonnegative(),
      sizeBytes: z.number(),
      /** Ids of the first of them. */
      first: z.array(z.string()),
      /** For people: why it may go. */
      reason: z.string(),
    }),
  ),
  /** Runs whose data is being made, or whose records cannot be read: while there are any, nothing goes. */
  waitsFor: z.array(z.string()),
});
export type PruneReport = z.output<typeof pruneReportSchema>;

const minAge = z.coerce.number().int().nonnegative().default(86_400_000);

/** What goes has had nothing written to it for so long. */
export const pruneQuerySchema = z.strictObject({ minAgeMs: minAge });
export type PruneQuery = z.output<typeof pruneQuerySchema>;

export const jobStates = ['waiting', 'active', 'delayed', 'failed', 'completed'] as const;

/** A job queue: how much is in it, and whether anyone works on it. */
export const queueReportSchema = z.strictObject({
  name: z.string(),
  counts: z.record(z.enum(jobStates), z.int().nonnegative()),
  numWorkers: z.int().nonnegative(),
  oldestWaitMs: z.number().nullable(),
  /** Jobs completed in the last minute. */
  numPerMinute: z.number(),
});
export type QueueReport = z.output<typeof queueReportSchema>;

export const jobReportSchema = z.strictObject({
  id: z.string(),
  queue: z.string(),
  state: z.enum(jobStates),
  data: z.record(z.string(), z.unknown()),
  numAttempts: z.int().nonnegative(),
  createdAtMs: z.number(),
  finishedAtMs: z.number().nullable(),
  failedReason: z.string().nullable(),
  stack: z.array(z.string()),
});
export type JobReport = z.output<typeof jobReportSchema>;

/** Query of `GET /api/queues/:queue/jobs`. */
export const jobsQuerySchema = z.strictObject({
  state: z.literal('failed').default('failed'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type JobsQuery = z.output<typeof jobsQuerySchema>;

/** A run file that is shipped with berth, its paths made absolute. */
export const presetSchema = z.strictObject({
  name: z.string(),
  config: runConfigSchema,
});
export type Preset = z.output<typeof presetSchema>;

const health = z.strictObject({ isOk: z.boolean(), detail: z.string() });

/** The cluster as the coordinator that answers sees it. */
export const clusterReportSchema = z.strictObject({
  version: z.string(),
  /** What the coordinator was compiled from and runs on; null where that is not known. */
  build: z.strictObject({
    commit: z.string().nullable(),
    node: z.string(),
    tensorflow: z.string().nullable(),
  }),
  coordinatorId: z.string(),
  /** False for a standby. */
  isLeader: z.boolean(),
  startedAtMs: z.number(),
  nowMs: z.number(),
  redis: health,
  store: health,
  workers: z.array(workerReportSchema),
});
export type ClusterReport = z.output<typeof clusterReportSchema>;
