import { z } from 'zod';
import type { FineTuning } from './fine-tuning.ts';

const labels = z.array(z.string()).min(2).readonly();

/** A `FineTuning`, as stored. */
export const fineTuningSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('classify'), labels }),
  z.strictObject({ kind: z.literal('classify-many'), labels }),
  z.strictObject({ kind: z.literal('regress') }),
  z.strictObject({ kind: z.literal('tag'), labels }),
  z.strictObject({ kind: z.literal('answer') }),
]) satisfies z.ZodType<FineTuning>;
