import { z } from 'zod';
import { streamCursorSchema } from './cursor.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

/** A line of a process's log, as the coordinator keeps it. */
export const logLineSchema = z.strictObject({
  timeMs: z.number(),
  level: z.enum(logLevels),
  message: z.string(),
  /** Which program: worker, coordinator or cli. */
  app: z.string(),
  /** Member id of the worker, or the coordinator's id. */
  source: z.string(),
  runId: z.string().nullable(),
  attempt: z.int().positive().nullable(),
  step: z.int().nullable(),
  fields: z.record(z.string(), z.unknown()),
});
export type LogLine = z.output<typeof logLineSchema>;

/** Query of `GET /api/runs/:runId/logs` and `GET /api/logs`. */
export const logQuerySchema = z.strictObject({
  /** The least severe level wanted. */
  level: z.enum(logLevels).default('info'),
  source: z.string().max(200).optional(),
  /** Part of the message or of a field, whatever the case. */
  text: z.string().max(200).optional(),
  /** Lines after this cursor, oldest first; without a cursor the newest. */
  after: streamCursorSchema.optional(),
  /** Lines before this cursor. */
  before: streamCursorSchema.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
});
export type LogQuery = z.output<typeof logQuerySchema>;

/** Some lines, oldest first; the cursors lead to those before the first and after the last. */
export const logPageSchema = z.strictObject({
  lines: z.array(logLineSchema),
  before: z.string(),
  after: z.string(),
});
export type LogPage = z.output<typeof logPageSchema>;
