import { z } from 'zod';

/** A person's order to a worker to leave, as its heartbeats are answered with it. */
export const leaveOrderSchema = z.strictObject({
  reason: z.string(),
  /** It is gone by then, whatever hangs; its own grace period when left out. */
  withinMs: z.number().positive().optional(),
});
export type LeaveOrder = z.output<typeof leaveOrderSchema>;
