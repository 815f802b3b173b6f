import { z } from 'zod';
import { gridReportSchema } from '../grid/grid-report.ts';
import { runNamePattern } from '../run-name.ts';
import { submitRequestSchema } from '../run.ts';
import { gridControlSchema } from './controls.ts';

const none = z.strictObject({});
const input = { params: none, query: none, body: none };
const ofGrid = z.strictObject({ name: z.string().regex(runNamePattern) });

/** The part of the interface that is about grids. */
export const gridOperations = {
  grids: {
    ...input,
    method: 'GET',
    path: '/api/grids',
    summary: 'All grids and what came out at their points, newest first.',
    cost: 'cheap',
    response: z.array(gridReportSchema),
  },
  grid: {
    ...input,
    method: 'GET',
    path: '/api/grids/:name',
    summary: 'What came out at the points of a grid: each, mean and spread over seeds, the best.',
    cost: 'cheap',
    params: ofGrid,
    response: gridReportSchema,
  },
  submitGrid: {
    ...input,
    method: 'POST',
    path: '/api/grids',
    summary:
      'Creates the runs of a config with a grid, and goes on with those that there are and are not completed.',
    cost: 'expensive',
    body: submitRequestSchema,
    response: gridReportSchema,
    status: 201,
  },
  controlGrid: {
    ...input,
    method: 'POST',
    path: '/api/grids/:name/controls/:control',
    summary:
      'Asks something of all runs of a grid for which it makes a difference: pause, resume, stop, kill.',
    cost: 'expensive',
    params: ofGrid.extend({ control: gridControlSchema }),
    response: gridReportSchema,
  },
} as const;
