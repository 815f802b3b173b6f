import { isSection, type Section } from '../../section.ts';

/** Evaluations of a fine-tuning are on all that is held out. */
const allExamples = 2 ** 20;

/**
 * A run config as it was written, with the defaults of fine-tuning: those of google-research/bert (run_classifier.py and
 * run_squad.py), but no longer than a model has positions. Lengths of its own keep it from having epochs.
 */
export function withFineTuningDefaults(config: unknown): unknown {
  if (!isSection(config) || !isSection(config['task'])) return config;
  const section = (name: string): Section => {
    const given = config[name];
    return isSection(given) ? given : {};
  };
  const has = (name: string, key: string): boolean => section(name)[key] !== undefined;
  const isInEpochs = !has('train', 'numSteps');
  const warmsUp = isInEpochs && !has('optimizer', 'numWarmupSteps');
  const length = config['task']['kind'] === 'answer' ? 384 : 128;
  const { maxPositions } = section('model');
  const room = Number.isInteger(maxPositions) ? Number(maxPositions) : length;
  return {
    ...config,
    examples: { maxSeqLength: Math.min(length, room), ...section('examples') },
    optimizer: {
      learningRate: 5e-5,
      ...(warmsUp && { warmupRatio: 0.1 }),
      ...section('optimizer'),
    },
    train: {
      globalBatch: 32,
      ...(isInEpochs && { numEpochs: 3 }),
      checkpointEverySteps: isInEpochs || has('train', 'evalEverySteps') ? 0 : 100,
      numEvalExamples: allExamples,
      ...section('train'),
    },
  };
}
