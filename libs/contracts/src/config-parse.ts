import { configError, type SourceOf } from './config-error.ts';
import { withPlannedSteps } from './epochs.ts';
import { BerthError } from './errors.ts';
import { resolveModelConfig } from './model-config.ts';
import { withCurrentNames } from './renamed-settings.ts';
import { phasesOf, withPhaseSteps, type Phase } from './phases.ts';
import { runConfigSchema, type RunConfig } from './run-config.ts';
import { problemWithFineTuning, problemWithWritten } from './tasks/fine-tuning/check-settings.ts';
import { withFineTuningDefaults } from './tasks/fine-tuning/defaults.ts';
import { problemWithExamples, withTaskDefaults } from './tasks/pretraining-settings.ts';

/**
 * Checks a run config and fills in its defaults. Settings may have the names of earlier releases.
 * @param source - where it came from, or where each setting did, for messages
 * @throws BerthError `CONFIG_UNKNOWN_KEY` with the nearest known key, `CONFIG_INVALID` for anything else
 */
export function parseRunConfig(value: unknown, source: string | SourceOf): RunConfig {
  const sourceOf = typeof source === 'string' ? () => source : source;
  if (typeof value === 'object' && value !== null && 'grid' in value)
    throw new BerthError(
      'CONFIG_INVALID',
      `${sourceOf(['grid'])}: grid: a grid is several runs, and this takes one: leave it out`,
    );
  const { config } = withCurrentNames(value);
  const parsed = runConfigSchema.safeParse(
    withPhaseSteps(withFineTuningDefaults(withTaskDefaults(config))),
  );
  if (!parsed.success) throw configError(parsed.error, config, sourceOf);
  const found = problemWithWritten(config);
  if (found !== undefined)
    throw new BerthError(
      'CONFIG_INVALID',
      `${sourceOf(found.key.split('.'))}: ${found.key}: ${found.problem}`,
    );
  checkConsistency(parsed.data, sourceOf);
  return withPlannedSteps(parsed.data);
}

function checkConsistency(config: RunConfig, sourceOf: SourceOf): void {
  const { train, optimizer } = config;
  const model = resolveModelConfig(config.model, config.vocabulary.size);
  const fail: Fail = (where, message, ...others) => {
    // Either may be the one to change: the one that was set last is more likely to be.
    const sources = [where, ...others].map((key) => sourceOf(key.split('.')));
    const source = sources.find((one) => one !== sourceOf([])) ?? sourceOf([]);
    throw new BerthError('CONFIG_INVALID', `${source}: ${where}: ${message}`);
  };
  const { path, extend } = config.vocabulary;
  if (extend !== undefined && path === undefined && config.init === undefined)
    fail(
      'vocabulary.extend',
      'there is no vocabulary to extend: name one in vocabulary.path or begin with a model (init.from), or raise ' +
        'vocabulary.size',
    );
  if (!isPowerOfTwo(train.virtualRanks))
    fail('train.virtualRanks', `${train.virtualRanks} is not a power of two; use 1, 2, 4, 8, ...`);
  if (config.task === undefined) checkCorpus(config, fail);
  else checkFineTuning(config, fail);
  checkEpochs(config, fail);
  checkPhases(config, fail);
  if (train.engine === 'eager' && train.precision !== 'fp32')
    fail('train.precision', `${train.precision} needs train.engine: graph`, 'train.engine');
  if (model.hiddenSize % model.numHeads !== 0)
    fail(
      'model.numHeads',
      `${model.numHeads} heads do not divide hidden size ${model.hiddenSize}`,
      'model.hiddenSize',
      'model.size',
    );
  if (optimizer.numWarmupSteps > train.numSteps)
    fail(
      'optimizer.numWarmupSteps',
      `${optimizer.numWarmupSteps} is more than train.numSteps ${train.numSteps}`,
      'train.numSteps',
    );
  checkDecay(config, fail);
  if (config.cluster.minWorkers > train.virtualRanks)
    fail(
      'cluster.minWorkers',
      `${config.cluster.minWorkers} workers cannot share ${train.virtualRanks} virtual ranks`,
      'train.virtualRanks',
    );
}

function checkCorpus(config: RunConfig, fail: Fail): void {
  const { corpus } = config;
  if (corpus === undefined)
    return fail(
      'corpus',
      'is missing: say where the text is (corpus: { path: … }), or, to fine-tune, what for (task: …)',
    );
  const { path, parts, dataset } = corpus;
  if (dataset !== undefined) return checkDataset(config, fail);
  if (path === undefined && parts === undefined)
    fail(
      'corpus.path',
      'is missing: say where the text is, or name several places in corpus.parts',
    );
  if (path !== undefined && parts !== undefined)
    fail('corpus.parts', 'goes instead of corpus.path: leave one of them out', 'corpus.path');
  const names = parts?.map(({ name }) => name) ?? [];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    fail('corpus.parts', `two are named ${twice}; give each a name of its own`);
}

/** What a ready dataset has settled, by keys of the config; a run that begins with a model has that one's vocabulary. */
const settledByDataset = [
  'corpus.path',
  'corpus.parts',
  'corpus.encoding',
  'corpus.heldOutRatio',
  'corpus.duplicates',
  'corpus.nearDuplicates',
  'corpus.sentenceMode',
  'corpus.textField',
  'corpus.idField',
  'corpus.pretokenised',
  'corpus.skipBad',
  'vocabulary.path',
  'vocabulary.minFrequency',
  'vocabulary.extend',
  'examples.numShards',
] as const;
const settledByModel = ['vocabulary.size', 'vocabulary.doLowerCase'] as const;

/** A setting at its default is as one that is left out. */
function checkDataset(config: RunConfig, fail: Fail): void {
  const keys = [...settledByDataset, ...(config.init === undefined ? settledByModel : [])];
  for (const key of keys) {
    const [section, name] = key.split('.') as ['corpus' | 'vocabulary' | 'examples', string];
    const value = (config[section] as Readonly<Record<string, unknown>>)[name];
    const unset = (defaults[section] as Readonly<Record<string, unknown>>)[name];
    if (value !== unset)
      fail(key, 'corpus.dataset names a ready dataset, which has settled this: leave one out');
  }
}

const { corpus, vocabulary, examples } = runConfigSchema.shape;
const defaults = {
  corpus: corpus.unwrap().parse({}),
  vocabulary: vocabulary.parse(undefined),
  examples: examples.parse(undefined),
};

function checkFineTuning({ task, corpus, phases, init, vocabulary }: RunConfig, fail: Fail): void {
  if (task === undefined) return;
  const found = problemWithFineTuning(task);
  if (found !== undefined) fail(`task.${found.key}`, found.problem);
  if (corpus !== undefined)
    fail('corpus', 'a run learns from a corpus or is fine-tuned for a task: leave one out', 'task');
  if (phases !== undefined) fail('phases', 'only pre-training has phases', 'task');
  if (vocabulary.extend !== undefined)
    fail('vocabulary.extend', 'only pre-training learns new pieces', 'task');
  if (init === undefined && vocabulary.path === undefined)
    fail(
      'init.from',
      'is missing: say which model to fine-tune (a run, a checkpoint RUN@STEP, a Hugging Face folder); without one, which ' +
        'trains from scratch, vocabulary.path says what the vocabulary is',
    );
}

function checkEpochs({ task, train }: RunConfig, fail: Fail): void {
  if (task === undefined && train.numEpochs !== undefined)
    fail('train.numEpochs', 'only a fine-tuning (task) is counted in epochs: use train.numSteps');
}

/** What is wrong with weights for the parts of a corpus. */
function problemWithWeights(
  weights: Readonly<Record<string, number>>,
  corpus: RunConfig['corpus'],
): string | undefined {
  // Of a ready dataset the parts are known once it is read.
  if (corpus?.dataset !== undefined) return undefined;
  const parts = corpus?.parts;
  if (parts === undefined)
    return 'only a corpus with named parts has weights: use corpus.parts instead of corpus.path';
  const names = parts.map(({ name }) => name);
  const unknown = Object.keys(weights).find((name) => !names.includes(name));
  if (unknown !== undefined)
    return `${unknown} is none of corpus.parts, which are ${names.join(', ')}`;
  const missing = names.find((name) => !Object.hasOwn(weights, name));
  if (missing !== undefined)
    return `${missing} is left out: give each of corpus.parts a weight, 0 for none of it`;
  if (names.every((name) => weights[name] === 0)) return 'no part has a weight above 0';
  return undefined;
}

type Fail = (where: string, message: string, ...others: string[]) => never;

function checkPhases(config: RunConfig, fail: Fail): void {
  const phases = phasesOf(config);
  const numSteps = phases.at(-1)!.endStep;
  if (numSteps !== config.train.numSteps)
    fail(
      'train.numSteps',
      `${config.train.numSteps} is not the ${numSteps} steps of the phases together; leave it out`,
      'phases',
    );
  for (const phase of phases) checkPhase(config, phase, fail);
}

/** What a phase has of its own is named as its, the rest as the section's that it comes from. */
function checkPhase(config: RunConfig, phase: Phase, failAt: Fail): void {
  const { train, phases } = config;
  const own = phases?.[phase.index];
  const pathOf = (path: string): string => {
    const key = path.slice(path.indexOf('.') + 1);
    return own !== undefined && Object.hasOwn(own, key) ? `phases.${phase.index}.${key}` : path;
  };
  const fail: Fail = (where, message, ...others) =>
    failAt(pathOf(where), message, ...others.map(pathOf));
  const { globalBatch, examples } = phase;
  if (globalBatch % train.virtualRanks !== 0)
    fail(
      'train.globalBatch',
      `${globalBatch} examples cannot be cut into ${train.virtualRanks} equal virtual ranks; ` +
        `use a multiple of ${train.virtualRanks}`,
      'train.virtualRanks',
    );
  const perRank = globalBatch / train.virtualRanks;
  if (train.microBatch !== undefined && perRank % train.microBatch !== 0)
    fail(
      'train.microBatch',
      `${train.microBatch} does not divide a virtual rank's ${perRank} examples`,
      'train.globalBatch',
      'train.virtualRanks',
    );
  const { maxPositions } = resolveModelConfig(config.model, config.vocabulary.size);
  if (examples.maxSeqLength > maxPositions)
    fail(
      'examples.maxSeqLength',
      `${examples.maxSeqLength} is longer than model.maxPositions ${maxPositions}`,
      'model.maxPositions',
    );
  const weightsProblem =
    examples.corpusWeights && problemWithWeights(examples.corpusWeights, config.corpus);
  if (weightsProblem !== undefined) fail('examples.corpusWeights', weightsProblem, 'corpus.parts');
  const [ofPhase, ofRun] = [examples.sequencesPerRow, config.examples.sequencesPerRow];
  if (ofPhase > 1 !== ofRun > 1)
    fail(
      'examples.sequencesPerRow',
      `${ofPhase} does not go with examples.sequencesPerRow ${ofRun}: all phases have rows of one sequence, or all may have ` +
        'several, as many as each likes from 2 on',
    );
  const found = config.task === undefined ? problemWithExamples(examples) : undefined;
  if (found !== undefined)
    fail(`examples.${found.key}`, found.problem, ...found.others.map((key) => `examples.${key}`));
}

function checkDecay({ optimizer, train }: RunConfig, fail: Fail): void {
  const { schedule, numWarmupSteps, numDecaySteps, decayShape } = optimizer;
  if (schedule === 'wsd') {
    const numLeft = train.numSteps - numWarmupSteps;
    if (numDecaySteps !== undefined && numDecaySteps > numLeft)
      fail(
        'optimizer.numDecaySteps',
        `${numDecaySteps} is more than the ${numLeft} of train.numSteps ${train.numSteps} that warm-up leaves`,
        'train.numSteps',
        'optimizer.numWarmupSteps',
      );
    return;
  }
  for (const [key, value] of Object.entries({ numDecaySteps, decayShape }))
    if (value !== undefined)
      fail(
        `optimizer.${key}`,
        `only optimizer.schedule wsd has it, and this is ${schedule}`,
        'optimizer.schedule',
      );
}

/** Exact for every whole number, also above 32 bits. */
function isPowerOfTwo(value: number): boolean {
  return 2 ** Math.round(Math.log2(value)) === value;
}
