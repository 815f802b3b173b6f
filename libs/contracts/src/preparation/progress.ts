import { z } from 'zod';

const count = z.int().nonnegative();

/** What is done for a dataset, in order. */
export const preparationStages = [
  'inventory',
  'survey',
  'vocabulary',
  'tokenise',
  'nearDuplicates',
  'assemble',
  'examples',
] as const;
export type PreparationStage = (typeof preparationStages)[number];

/** How far a job is, as its worker tells it while it goes on and once it is done. */
export const jobProgressSchema = z.strictObject({
  /** Of the corpus as it lies there, compressed or not. */
  numBytes: count,
  numDocuments: count,
  /** What it is at, for people, where numbers do not say. */
  activity: z.string().optional(),
});
export type JobProgress = z.output<typeof jobProgressSchema>;

/** What a job has read so far, or altogether. */
export const jobNoteSchema = jobProgressSchema.extend({ isDone: z.boolean() });
export type JobNote = z.output<typeof jobNoteSchema>;

/** Why a worker cannot read a corpus that others may be able to. */
export const unseenSchema = z.strictObject({
  problem: z.string(),
  /** It has files there, but not as they were listed. */
  isChanged: z.boolean(),
});
export type Unseen = z.output<typeof unseenSchema>;

export const stageProgressSchema = z.strictObject({
  stage: z.enum(preparationStages),
  state: z.enum(['waiting', 'active', 'done']),
  /** Jobs that are done, and all of them; null while that is not known. */
  numDone: count,
  numJobs: count.nullable(),
  /** Bytes of text read, and all of them; null where a stage reads none, or none are known. */
  numBytesDone: count.nullable(),
  numBytes: count.nullable(),
  /** Read in this stage; null where it counts none. */
  numDocuments: count.nullable(),
  /** Of all workers together, lately; null while it is not known. */
  bytesPerSecond: z.number().nonnegative().nullable(),
  /** Since it began, or all that it took; null before. */
  elapsedMs: z.number().nonnegative().nullable(),
  /** What is going on, for people, where numbers do not say. */
  activity: z.string().optional(),
});
export type StageProgress = z.output<typeof stageProgressSchema>;

/** How far the data of a run is. */
export const preparationProgressSchema = z.strictObject({
  /** In order; those that this run needs. */
  stages: z.array(stageProgressSchema),
  /** Until the dataset is there; null while too little is known. */
  etaMs: z.number().nonnegative().nullable(),
  /** Workers that are at a job of it. */
  numWorkersBusy: count,
});
export type PreparationProgress = z.output<typeof preparationProgressSchema>;
