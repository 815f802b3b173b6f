import {
  BerthError,
  changedSettings,
  howToChange,
  isFinal,
  noRequests,
  taskOfRun,
  trainingHash,
  withPlannedSteps,
  type Decides,
  type GridPoint,
  type RunConfig,
  type RunRecord,
  type SettingChange,
} from '@berth/contracts';
import {
  decideControl,
  firstStepAgainst,
  hasTrained,
  newAttempt,
  restsAt,
  type ControlSnapshot,
  type RunChange,
} from '@berth/protocol';

/** What is submitted under a name. */
export interface Submission {
  readonly config: RunConfig;
  readonly goal: RunRecord['goal'];
  /** Of a run of a grid. */
  readonly grid?: GridPoint | undefined;
}

/** What a submission is decided by, besides the run's record. */
export interface SubmissionSnapshot extends ControlSnapshot {
  /** Whether the bucket holds a checkpoint of it, whatever Redis has lost. */
  readonly isStored: boolean;
  /** Whether anybody works on it. */
  readonly isAttended: boolean;
}

/** A run that has just been submitted. */
export function newRecord({ config, goal, grid }: Submission, nowMs: number): RunRecord {
  return {
    runId: config.name,
    config,
    trainingHash: trainingHash(config),
    status: 'queued',
    reason: 'waiting for its turn',
    error: null,
    goal,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    ...(grid && { grid }),
    attempts: [newAttempt(1, 0, nowMs)],
    requests: noRequests,
    keptSteps: [],
    evaluations: [],
    manifestKey: null,
    exampleSetId: null,
    exampleFormat: taskOfRun({ config }).exampleFormat,
    numerics: null,
  };
}

/**
 * What becomes of a run when a config is submitted under its name. A name stands for one training from its first step on;
 * before that nothing is lost by making the run anew. Whether its files still hold the same data is found out by a worker
 * when its turn has come: until then the record keeps the config of what was read.
 * @returns undefined when it is what is under way
 * @throws BerthError `DATA_MISMATCH` for what the prepared data fixes, `CHECKPOINT_MISMATCH` for the rest of what decides
 * the weights, `RUN_STATE_CONFLICT` when its state does not allow it
 */
export function decideSubmission(
  nowMs: number,
  record: RunRecord,
  snapshot: SubmissionSnapshot,
  written: Submission,
): RunChange | undefined {
  const { status } = record;
  const submission = { ...written, config: plannedLike(record, written.config) };
  if (record.requests.remove)
    throw conflict(record, 'is being removed; once that is done its name is free');
  const isDone = status === 'completed' && record.goal === 'trained';
  const isTrained = isDone || snapshot.isStored || hasTrained(record, snapshot);
  if (isTrained) refuseOtherTraining(record, submission.config, restsAt(record, snapshot));
  if (!isFinal(status)) {
    const [change] = changedSettings(currentConfig(record), submission.config, allKinds);
    const rests = status === 'queued' || status === 'preparing';
    if (snapshot.isAttended || (rests && change === undefined))
      return whileUnderWay(record, submission, change);
  }
  if (!isTrained) return madeAnew(nowMs, record, written);
  const request = { config: submission.config, askedAtMs: nowMs, isTrained };
  // Its cluster has died: whoever worked on it begins again with the data.
  if (!isFinal(status))
    return {
      status: 'queued',
      reason: 'submitted again, waiting for its turn',
      goal: submission.goal,
      requests: { ...noRequests, rewind: record.requests.rewind, submission: request },
    };
  const { numSteps } = submission.config.train;
  if (isDone && numSteps <= record.config.train.numSteps)
    throw conflict(
      record,
      'is completed; choose another name to train again, or ask whether its schedule allows more steps (berth extend)',
    );
  const planned = { ...record, config: submission.config };
  const decision = decideControl(nowMs, planned, snapshot, 'resume');
  if (decision.kind !== 'change') throw conflict(record, `cannot go on: ${decision.reason}`);
  const { requests = noRequests } = decision.change;
  return {
    ...decision.change,
    goal: submission.goal,
    requests: { ...requests, submission: request },
  };
}

const allKinds: readonly Decides[] = ['data', 'examples', 'weights', 'rate', 'content', 'nothing'];

function currentConfig(record: RunRecord): RunConfig {
  return plannedLike(record, record.requests.submission?.config ?? record.config);
}

/** As it is planned with the data that the run has. */
function plannedLike({ labelledData }: RunRecord, config: RunConfig): RunConfig {
  return withPlannedSteps(config, labelledData?.numTrainExamples);
}

function whileUnderWay(
  record: RunRecord,
  { goal }: Submission,
  change: SettingChange | undefined,
): RunChange | undefined {
  const { runId, status } = record;
  if (change !== undefined)
    throw conflict(
      record,
      `is ${status} with ${change.path} ${show(change.before)}, and this config says ${show(change.after)}: ` +
        howToChange(runId, { ...change, change: 'resume' }),
    );
  if (status === 'pausing' || status === 'stopping')
    throw conflict(record, `is ${status}; submit it again once that is done`);
  if (goal === record.goal) return undefined;
  if (goal === 'trained') return { goal };
  throw conflict(record, `is ${status}: it is to be trained, and its data is prepared on the way`);
}

/** The run from its beginning. Data that was prepared with the same settings is used if it still is that of the files. */
function madeAnew(nowMs: number, record: RunRecord, submission: Submission): RunChange {
  const { runId: _name, ...anew } = newRecord(submission, nowMs);
  const { config } = submission;
  const {
    manifestKey,
    exampleSetId,
    phaseSetIds,
    datasetHealth,
    datasetSettings,
    labelledData,
    trainingHash: hash,
  } = record;
  const isVocabularyLeftOut =
    record.config.vocabulary.path !== undefined && config.vocabulary.path === undefined;
  // The vocabulary may be that of the model.
  const isOtherModel = record.config.init?.sha256 !== config.init?.sha256;
  const isOther =
    isVocabularyLeftOut ||
    isOtherModel ||
    changedSettings(record.config, config, ['data']).length > 0;
  if (manifestKey === null || isOther)
    return {
      ...anew,
      datasetHealth: undefined,
      datasetSettings: undefined,
      labelledData: undefined,
      forgotten: undefined,
    };
  return {
    ...anew,
    config: record.config,
    trainingHash: hash,
    manifestKey,
    exampleSetId,
    phaseSetIds,
    datasetHealth,
    datasetSettings,
    labelledData,
    requests: { ...noRequests, submission: { config, askedAtMs: nowMs, isTrained: false } },
  };
}

function refuseOtherTraining(
  { runId, config: known }: RunRecord,
  config: RunConfig,
  numDone: number,
): void {
  const [change] = changedSettings(known, config, ['data', 'examples', 'weights']);
  const vocabulary = changedSettings(known, config, ['content']).find(
    ({ path, after }) => path === 'vocabulary.path' && after === undefined,
  );
  const found = change ?? vocabulary ?? changedPlan(known, config, numDone);
  if (found === undefined) return;
  const { path, decides, before, after } = found;
  throw new BerthError(
    decides === 'weights' || decides === 'rate' ? 'CHECKPOINT_MISMATCH' : 'DATA_MISMATCH',
    `Run "${runId}" was made with ${path} ${show(before)}, this config says ${show(after)}; ` +
      howToChange(runId, found),
    { details: { runId, path } },
  );
}

/** The first setting that gives other rates to steps that are done, or ends the run before them. */
function changedPlan(
  known: RunConfig,
  config: RunConfig,
  numDone: number,
): SettingChange | undefined {
  const isSame =
    config.train.numSteps >= Math.min(numDone, known.train.numSteps) &&
    firstStepAgainst(known, config, numDone) === undefined;
  return isSame ? undefined : changedSettings(known, config, ['rate'])[0];
}

function conflict({ runId, status }: RunRecord, what: string): BerthError {
  return new BerthError('RUN_STATE_CONFLICT', `Run "${runId}" ${what}`, {
    details: { runId, status },
  });
}

function show(value: unknown): string {
  return value === undefined ? 'unset' : JSON.stringify(value);
}
