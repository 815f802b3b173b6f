import {
  BerthError,
  fineTuningReportSchema,
  readJson,
  type FineTuningReport,
  type ObjectStore,
} from '@berth/contracts';
import { isOnLine, type Attempts } from './attempts.ts';
import { attemptsPrefix } from './keys.ts';

/** Which evaluation a report is of. */
export interface EvaluationPlace {
  readonly runId: string;
  readonly attempt: number;
  readonly step: number;
}

/** Stores the report of an evaluation; done again, it is the same. */
export async function putEvaluationReport(
  store: ObjectStore,
  place: EvaluationPlace,
  report: FineTuningReport,
): Promise<void> {
  await store.put(reportKey(place), new TextEncoder().encode(JSON.stringify(report)));
}

/**
 * The report of the evaluation after a step, as the newest attempt has it, or one before that it goes on from.
 * @throws BerthError `EVALUATION_NOT_FOUND` when there is none, and what the store throws
 */
export async function readEvaluationReport(
  store: ObjectStore,
  { runId, attempts }: { readonly runId: string; readonly attempts: Attempts },
  step: number,
): Promise<FineTuningReport> {
  for (const { attempt } of attempts.toReversed()) {
    const place = { runId, attempt, step };
    const key = reportKey(place);
    if (!isOnLine(attempts, place) || (await store.head(key)) === undefined) continue;
    const bytes = await store.get(key, { maxBytes: maxReportBytes });
    const reading = readJson(fineTuningReportSchema, new TextDecoder().decode(bytes));
    if (reading.ok) return reading.value;
    throw new BerthError(
      'STORE_CORRUPT',
      `${key} in ${store.describe()} is no report of an evaluation (${reading.problem}); delete it`,
      { details: { key } },
    );
  }
  throw new BerthError(
    'EVALUATION_NOT_FOUND',
    `Run "${runId}" has no report of an evaluation after step ${step}`,
    { details: { runId, step } },
  );
}

/** Reports are bounded, whatever the data. */
const maxReportBytes = 16 * 2 ** 20;

function reportKey({ runId, attempt, step }: EvaluationPlace): string {
  return `${attemptsPrefix(runId)}${attempt}/evaluations/step-${String(step).padStart(9, '0')}.json`;
}
