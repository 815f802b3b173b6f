import { z } from 'zod';

/** A place in a stream that is read page by page: from an earlier answer, '' for the beginning. */
export const streamCursorSchema = z
  .string()
  .regex(/^(\d{1,16}(-\d{1,16})?)?$/, 'must be a cursor of an earlier answer');
