import { noRequests, type Forgotten, type RunRecord } from '@berth/contracts';
import { beginAttempt, endAttempt } from './attempts.ts';
import { change, refuse, type ControlDecision, type RunChange } from './control-decision.ts';
import type { ControlSnapshot } from './control-snapshot.ts';
import { restsAt } from './resume.ts';
import { stepsText } from './texts.ts';

/** What a run is to forget. */
export interface Forgetting {
  /** The dataset that it has, and the one without the documents. */
  readonly before: string;
  readonly manifestKey: string;
  /** Of the new dataset, one for each phase. */
  readonly exampleSetIds: readonly string[];
  readonly numDocuments: number;
  /** The first committed step that one of the documents was used in; null when it was in none. */
  readonly firstUse: number | null;
}

/**
 * What becomes of a run that is to forget documents: it has the dataset without them from now on and, where it has trained on one,
 * goes back to the last checkpoint before that as a new attempt.
 */
export function decideForget(
  nowMs: number,
  record: RunRecord,
  snapshot: ControlSnapshot,
  forgetting: Forgetting,
): ControlDecision {
  const refusal = whyNot(record, forgetting);
  if (refusal !== undefined) return refuse(refusal);
  const { before, manifestKey, exampleSetIds, numDocuments, firstUse } = forgetting;
  const toStep = firstUse === null ? null : stepBefore(firstUse, record, snapshot);
  if (toStep !== null && toStep < firstStepOfOwn(record))
    return refuse(
      `it began as a fork, whose history used one of them in step ${firstUse}: forget them in ${record.forkedFrom?.runId}, and fork that again`,
    );
  const forgotten: Forgotten = {
    atMs: nowMs,
    numDocuments,
    before,
    exampleSetIdsBefore: record.phaseSetIds ?? [record.exampleSetId ?? ''],
    manifestKey,
    firstUse,
    wentBackTo: toStep,
  };
  const data: RunChange = {
    manifestKey,
    exampleSetId: exampleSetIds[0]!,
    phaseSetIds: exampleSetIds.length === 1 ? undefined : [...exampleSetIds],
    forgotten: [...(record.forgotten ?? []), forgotten],
  };
  const without = `has its data without ${numDocuments === 1 ? 'the document' : `the ${numDocuments} documents`} from now on`;
  if (toStep === null) return change(`${without}; it has not trained on them`, data);
  const step = restsAt(record, snapshot);
  const ended = endAttempt(record.attempts, { nowMs, step, reason: 'its data is to be forgotten' });
  const attempt = record.attempts.at(-1)?.attempt ?? 1;
  return change(`${without}, and trains ${stepsText(step - toStep)} from step ${toStep} on again`, {
    ...data,
    status: 'queued',
    reason: `forgets documents that step ${firstUse} used, waiting for its turn`,
    error: null,
    goal: 'trained',
    attempts: beginAttempt(ended, { fromStep: toStep, nowMs, wentBackTo: toStep }),
    requests: { ...noRequests, rewind: { toStep, attempt, askedAtMs: nowMs } },
    // What was kept knows them.
    keptSteps: record.keptSteps.filter((step) => step <= toStep),
  });
}

/** Why a run cannot forget anything now. */
function whyNot(record: RunRecord, { before }: Forgetting): string | undefined {
  const { status, requests, manifestKey, labelledData } = record;
  if (requests.remove) return 'it is being removed';
  if (labelledData !== undefined)
    return 'it is fine-tuned on rows: take them out of the file, and fine-tune anew';
  if (manifestKey === null) return 'its data is not prepared yet: take the documents out of it';
  if (requests.submission !== null)
    return 'its files are to be compared with its data first: ask again once it trains or rests';
  if (manifestKey !== before) return 'its data has changed meanwhile: ask again';
  return ['paused', 'stopped', 'failed', 'completed'].includes(status)
    ? undefined
    : `it is ${status}: pause it first`;
}

/** The last step before another that the run can go back to; 0, its beginning, needs no checkpoint. */
export function stepBefore(
  step: number,
  { requests: { rewind } }: Pick<RunRecord, 'requests'>,
  { checkpointSteps }: Pick<ControlSnapshot, 'checkpointSteps'>,
): number {
  const most = Math.min(step, rewind?.toStep ?? Infinity);
  return Math.max(0, ...checkpointSteps.filter((saved) => saved <= most));
}

/** A fork has no beginning but the checkpoint that was copied for it. */
function firstStepOfOwn({ forkedFrom }: RunRecord): number {
  return forkedFrom?.step ?? 0;
}
