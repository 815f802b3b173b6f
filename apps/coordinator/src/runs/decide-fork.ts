import {
  BerthError,
  changedSettings,
  digestOf,
  howToChange,
  noRequests,
  parseRunConfig,
  trainAlike,
  trainingHash,
  withLastPhase,
  withPlannedSteps,
  withSettings,
  type Decides,
  type ForkRequest,
  type RunConfig,
  type RunRecord,
} from '@berth/contracts';
import { newAttempt } from '@berth/protocol';
import { newRecord } from './decide-submission.ts';

/** The checkpoint of another run that a run goes on from. */
export type ForkedFrom = NonNullable<RunRecord['forkedFrom']>;

const insteadOf = {
  'train.numEpochs': 'train.numSteps',
  'optimizer.warmupRatio': 'optimizer.numWarmupSteps',
} as const;
const places = [
  'corpus.path',
  'corpus.parts',
  'corpus.dataset',
  'vocabulary.path',
  'task.train',
  'task.eval',
];
const allKinds: readonly Decides[] = ['data', 'examples', 'weights', 'rate', 'content', 'nothing'];

/**
 * The config of a run that goes on from a checkpoint of another with other settings, and without its export unless they say one.
 * @throws BerthError `CONFIG_INVALID` or `CONFIG_UNKNOWN_KEY` for settings that make no run, or none that can go on from there
 */
export function forkedConfig(
  { runId, config: theirs, labelledData }: RunRecord,
  { name, settings }: ForkRequest,
  fromStep: number,
): RunConfig {
  const { export: exported, ...others } = theirs;
  const saysExport = Object.keys(settings).some((key) => key.startsWith('export'));
  // The place of theirs is taken.
  const known = saysExport && exported !== undefined ? { ...others, export: exported } : others;
  const config = withPlannedSteps(
    parseRunConfig(plannedConfig(known, settings, name), 'the fork'),
    labelledData?.numTrainExamples,
  );
  const changes = changedSettings({ ...known, name }, config, allKinds);
  // Of a path it is the bytes that count: the worker that reads them compares.
  const refused = changes.find(
    ({ path, change, after }) =>
      change === 'new' ||
      (change === 'init' && !places.includes(path)) ||
      (path === 'vocabulary.path' && after === undefined),
  );
  if (refused !== undefined)
    throw new BerthError(
      'CONFIG_INVALID',
      `${refused.path}: a fork goes on with the examples and the moments of "${runId}", so it cannot have another value: ` +
        howToChange(runId, refused),
      { details: { runId, path: refused.path } },
    );
  if (!trainAlike(known, config, fromStep))
    throw new BerthError(
      'CONFIG_INVALID',
      `phases: they say otherwise of steps before ${fromStep}, which are done: leave those as they are in "${runId}", ` +
        `${JSON.stringify(known.phases ?? [{ numSteps: known.train.numSteps }])}, and change what comes after; or begin with its ` +
        `weights (init: { from: ${runId} })`,
      { details: { runId, path: 'phases' } },
    );
  if (config.train.numSteps > fromStep) return config;
  throw new BerthError(
    'CONFIG_INVALID',
    `train.numSteps: ${config.train.numSteps}, of which ${fromStep} are done at the checkpoint: name more (--set train.numSteps=${2 * fromStep})`,
    { details: { runId } },
  );
}

/**
 * What the fork is to be. Of a run in phases the last one ends where `train.numSteps` says; phases of its own say how many steps it
 * has.
 */
function plannedConfig(
  known: RunConfig,
  settings: ForkRequest['settings'],
  name: string,
): Record<string, unknown> {
  const { 'train.numSteps': numSteps, phases } = settings;
  const { train } = known;
  const { numSteps: _known, ...others } = train;
  if (phases !== undefined && phases !== null)
    return { ...withSettings(known, { train: others, ...settings }), name };
  // What they say of steps goes instead of what was planned.
  const instead = Object.fromEntries(
    Object.entries(insteadOf)
      .filter(([key]) => settings[key] !== undefined)
      .map(([, key]) => [key, null]),
  );
  const isPlanned = typeof numSteps === 'number' && phases === undefined;
  const planned = isPlanned
    ? { phases: withLastPhase(known.phases, train.numSteps, numSteps) }
    : {};
  return { ...withSettings({ ...known, ...planned }, { ...instead, ...settings }), name };
}

/** The training hash of a fork: other histories make other runs of the same settings. */
export function forkedHash(config: RunConfig, { step, ledgerHead }: ForkedFrom): string {
  return digestOf({ trainingHash: trainingHash(config), step, ledgerHead });
}

/**
 * The record of a run whose first checkpoint has been copied from another. Its data is that of the other, as for a run that has
 * trained and is submitted again.
 */
export function forkedRecord(
  source: RunRecord,
  config: RunConfig,
  forkedFrom: ForkedFrom,
  nowMs: number,
): RunRecord {
  const { manifestKey, exampleSetId, phaseSetIds, exampleFormat, labelledData } = source;
  const { datasetHealth, datasetSettings } = source;
  return {
    ...newRecord({ config, goal: 'trained' }, nowMs),
    trainingHash: forkedHash(config, forkedFrom),
    forkedFrom,
    reason: `forked from ${forkedFrom.runId} at step ${forkedFrom.step}, waiting for its turn`,
    attempts: [newAttempt(1, forkedFrom.step, nowMs)],
    requests: { ...noRequests, submission: { config, askedAtMs: nowMs, isTrained: true } },
    keptSteps: [forkedFrom.step],
    manifestKey,
    exampleSetId,
    ...(phaseSetIds && { phaseSetIds }),
    exampleFormat,
    ...(datasetHealth && { datasetHealth }),
    ...(datasetSettings && { datasetSettings }),
    ...(labelledData && { labelledData }),
  };
}
