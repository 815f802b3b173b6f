import { z } from 'zod';
import { path } from './limits.ts';

/** The `init` section of a run config: which stored model the weights begin as. */
export const initSectionSchema = z
  .strictObject({
    from: path
      .describe(
        'A Hugging Face folder (written with a slash), an imported model, a run (its newest checkpoint), or RUN@STEP',
      )
      .meta({ decides: 'content', change: 'new' }),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a model, as berth import prints it')
      .optional()
      .describe('SHA-256 of the model; found out when left out, and refused when it is another')
      .meta({ decides: 'weights', change: 'new' }),
    newHead: z
      .boolean()
      .optional()
      .describe(
        'Of a fine-tuned model: leave its head, so that the run has other labels; the head is drawn from the seed',
      )
      .meta({ decides: 'weights', change: 'new' }),
    extendPositions: z
      .boolean()
      .default(false)
      .describe(
        'Allow model.maxPositions above the model’s (twice, if that is left out), by copying',
      )
      .meta({ decides: 'weights', change: 'new' }),
  })
  .describe('The stored model that training begins with; from the seed when left out');

export type InitSection = z.output<typeof initSectionSchema>;
