import { z } from 'zod';
import { runNamePattern } from '../run-name.ts';

/** A request that the coordinator answers, as its routes check it and as the OpenAPI document describes it. */
export interface ApiOperation {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With parameters in colons: `/api/runs/:runId`. */
  readonly path: string;
  /** One sentence, for people. */
  readonly summary: string;
  /** `expensive` ones are fewer per client and second. */
  readonly cost: 'cheap' | 'expensive';
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly body: z.ZodType;
  readonly response: z.ZodType;
  /** @defaultValue 200 */
  readonly status?: 201;
  /** @defaultValue `application/json` */
  readonly mediaType?: 'text/event-stream';
}

const none = z.strictObject({});
/** Of an operation that takes nothing. */
export const input = { params: none, query: none, body: none };
/** The parameters of one on a run. */
export const ofRun = z.strictObject({ runId: z.string().regex(runNamePattern) });
