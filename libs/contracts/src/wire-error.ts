import { z } from 'zod';
import { errorPolicies, type ErrorCode } from './errors.ts';

const codes = Object.keys(errorPolicies) as [ErrorCode, ...ErrorCode[]];

/** The schema of `WireError`: an error as it crosses a process boundary. */
export const wireErrorSchema = z.strictObject({
  code: z.enum(codes),
  message: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
