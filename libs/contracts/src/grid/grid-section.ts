import { z } from 'zod';

/** Runs of a grid at most: as many rows still are a table. */
export const maxGridPoints = 256;

/** The values of one setting. */
export const gridListSchema = z.array(z.unknown()).min(1).max(maxGridPoints);

/** The `grid` section of a run file, which then states several runs. */
export const gridSectionSchema = z
  .record(z.string(), gridListSchema)
  .describe(
    'Values to try, by the path of their setting (optimizer.learningRate: [2e-5, 5e-5]): a run for each combination of them',
  );
