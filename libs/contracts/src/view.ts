import { z } from 'zod';
import { engineSchema } from './worker-engine.ts';
import { relayAddressSchema } from './relay.ts';
import { wireErrorSchema } from './wire-error.ts';

/** Virtual ranks [start, start + length): length a power of two, start a multiple of it. A node of the reduction tree. */
export const alignedBlockSchema = z.strictObject({
  start: z.int().nonnegative(),
  length: z.int().positive(),
});
export type AlignedBlock = z.output<typeof alignedBlockSchema>;

export const viewMemberSchema = z.strictObject({
  /** Unique per process start, so a restarted worker is a new member. */
  memberId: z.string(),
  host: z.string(),
  port: z.int(),
  /** Absent for one that the others can dial. */
  isReachable: z.literal(false).optional(),
  /** What started it; absent for `process`, and for one of an older release. */
  engine: engineSchema.optional(),
  /** Newest format of frames that it can send and read; absent in what older releases publish. */
  frames: z.int().positive().optional(),
  blocks: z.array(alignedBlockSchema),
});
export type ViewMember = z.output<typeof viewMemberSchema>;

/** Who computes what from `fromStep` on. Published by the coordinator that holds the lease; replaced, never edited. */
export const viewSchema = z.strictObject({
  runId: z.string(),
  /** Grows with each coordinator that takes the lease. */
  fencingEpoch: z.int().positive(),
  /** Grows with each view of a run; the attempt number of a step. */
  version: z.int().positive(),
  /** First step not yet committed when the view was published. */
  fromStep: z.int().nonnegative(),
  /** Sorted by member id. */
  members: z.array(viewMemberSchema),
  /** Of members of which neither can dial the other; absent where there are no two such. */
  relay: relayAddressSchema.optional(),
  /** `train`: go on; `save`: agree on the state, checkpoint it, and wait. */
  mode: z.enum(['train', 'save']),
  /** Before it trains, members save the state of `fromStep`, and do not wait until it is stored. */
  savesFirst: z.boolean().optional(),
  /** Why this view replaced the one before, for people. */
  reason: z.string(),
});
export type View = z.output<typeof viewSchema>;

/** What makes bits equal besides the run's own settings: members must agree on all of it. */
export const numericsSchema = z.strictObject({
  tensorflow: z.string(),
  device: z.string(),
  /** Instruction set level of oneDNN and XLA, or the GPU model. */
  kernels: z.string(),
  numThreads: z.int().positive(),
  /**
   * Digest of what a member's engine makes of a step that is the same for all members of the run: names can lie. Absent
   * before it has opened a run, and in what older releases wrote.
   */
  fingerprint: z.string().optional(),
});
export type Numerics = z.output<typeof numericsSchema>;

/** A member's report that a view failed under it. */
export const complaintSchema = z.strictObject({
  viewVersion: z.int(),
  step: z.int(),
  /** Members it lost touch with: their connection broke (`COLLECTIVE_PEER_LOST`), or they let it wait. */
  suspects: z.array(z.string()),
  error: wireErrorSchema,
});
export type Complaint = z.output<typeof complaintSchema>;

/** What a worker says about itself with every heartbeat. */
export const memberInfoSchema = z.strictObject({
  memberId: z.string(),
  /** It makes data and never trains; absent for one that does both. */
  role: z.literal('data').optional(),
  /** Release of berth, for people: what decides is whether the bits are the same. */
  version: z.string().optional(),
  host: z.string(),
  port: z.int(),
  /** Absent for one that others can dial. */
  isReachable: z.literal(false).optional(),
  /** What started it; absent for `process`, and in what older releases write. */
  engine: engineSchema.optional(),
  /** Newest format of frames that it can send and read; absent in what older releases write. */
  frames: z.int().positive().optional(),
  /** How far the clock of its machine is ahead of Redis', where that was more than some seconds when it started. */
  clockAheadMs: z.number().optional(),
  /** Of the link by which others reach it, each way; absent where it does not know, and in what older releases write. */
  linkBitsPerSecond: z.number().positive().optional(),
  pid: z.int(),
  hostname: z.string(),
  numerics: numericsSchema,
  startedAtMs: z.number(),
  state: z.enum(['idle', 'syncing', 'training', 'draining']),
  /** Why it is about to leave, from when it was told until it is gone; absent before. */
  drain: z.strictObject({ reason: z.string() }).optional(),
  runId: z.string().nullable(),
  /** Steps applied to the weights it holds; -1 when it holds none. */
  step: z.int().min(-1),
  /** Why this member cannot go on with its view: asks for a new one. */
  complaint: complaintSchema.nullable(),
  /** Time it computes a virtual rank in, lately; null before the first. */
  rankMs: z.number().nullable(),
  /** What it is at before it can take part in its run, and for how long; absent once it can. */
  opening: z
    .strictObject({
      activity: z.enum(['opening the run', 'compiling', 'waiting for examples']),
      forMs: z.number().nonnegative(),
    })
    .optional(),
  /** How long its engine has been at the call under way, while it is at one. */
  engineCallMs: z.number().optional(),
  /** The newest fencing epoch of a view that it has seen of its run; 0 before the first. */
  newestEpoch: z.int().nonnegative().optional(),
  /** Elements of the vector that it sums with the others in every step of its run; absent before it knows its model. */
  numSumElements: z.int().positive().optional(),
  /** Memory of its process. */
  residentBytes: z.number().optional(),
  /** A state that it saves beside training; absent when all is saved. */
  saving: z
    .strictObject({
      step: z.int().nonnegative(),
      /** For how long training has been ahead of what the bucket took. */
      forMs: z.number().nonnegative(),
      /** On disk until the bucket takes it; 0 before it takes long. */
      spooledBytes: z.int().nonnegative(),
      /** The step that is on disk, perhaps an earlier one; absent when none is. */
      spooledStep: z.int().nonnegative().optional(),
    })
    .optional(),
  /** The newest checkpoint whose manifest it wrote. */
  saved: z
    .strictObject({
      step: z.int().nonnegative(),
      /** From the first upload to the manifest. */
      durationMs: z.number().nonnegative(),
      /** For how long training stood still. */
      stallMs: z.number().nonnegative(),
    })
    .optional(),
  /** What it tries again and again without success. */
  troubles: z
    .array(
      z.strictObject({
        doing: z.enum(['saving a checkpoint', 'making the dataset', 'making examples']),
        /** In a row. */
        numFailed: z.int().positive(),
        error: wireErrorSchema,
      }),
    )
    .optional(),
});
export type MemberInfo = z.output<typeof memberInfoSchema>;
