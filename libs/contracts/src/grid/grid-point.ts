import { z } from 'zod';
import { runNamePattern } from '../run-name.ts';

/** Settings of one point of a grid by their paths, in the order of the run file. */
export const gridValuesSchema = z.record(z.string(), z.unknown());
export type GridValues = z.output<typeof gridValuesSchema>;

/** Which point of which grid a run is. */
export const gridPointSchema = z.strictObject({
  /** Of the grid. */
  name: z.string().regex(runNamePattern),
  /** From 1 on; also the end of the run's name. */
  point: z.int().positive(),
  values: gridValuesSchema,
});
export type GridPoint = z.output<typeof gridPointSchema>;
