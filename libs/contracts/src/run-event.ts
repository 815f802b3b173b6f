import { z } from 'zod';
import { markerSchema } from './api/history.ts';
import { memberInfoSchema } from './view.ts';

/**
 * Something that happened to a run, kept with the change that made it happen: a member that joined, left in order or was lost;
 * a change of status; a checkpoint that was asked for and is there; an export that is made, or cannot be; a rewind that is done; states that differ.
 */
export const runEventSchema = z.strictObject({
  ...markerSchema.shape,
  kind: z.enum(['joined', 'left', 'lost', 'status', 'saved', 'rewound', 'diverged', 'exported']),
  /** Whom it is about. */
  memberId: z.string().optional(),
  /** What a member that was lost said last, if this coordinator has heard it, and when. */
  lastHeard: z.strictObject({ info: memberInfoSchema, timeMs: z.number() }).optional(),
});
export type RunEvent = z.output<typeof runEventSchema>;

/** An event before Redis says at which step it is kept. */
export type NewRunEvent = Omit<RunEvent, 'step'>;
