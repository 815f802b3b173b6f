import { z } from 'zod';
import { withCurrentNames } from './renamed-settings.ts';
import { corpusSection, partName } from './corpus-section.ts';
import { allReduceDtypes } from './gradient-vector.ts';
import { exportSectionSchema } from './export-section.ts';
import { initSectionSchema } from './init-section.ts';
import {
  maxVocabularySize,
  countUpTo,
  datasetShardCount,
  defaultNumSteps,
  exampleCount,
  path,
  rankCount,
  ratio,
  saveInterval,
  shardCount,
  stepCount,
  stepInterval,
  stepTimeout,
  threadCount,
  workerCount,
} from './limits.ts';
import { gridSectionSchema } from './grid/grid-section.ts';
import { modelSectionSchema } from './model-config.ts';
import { runNamePattern } from './run-name.ts';
import { fineTuningSection } from './tasks/fine-tuning/settings.ts';
import {
  phaseExampleSettings,
  pretrainingExamples,
  pretrainingSettings,
} from './tasks/pretraining-settings.ts';

/** How much of what is read comes from each part of the corpus: by number of tokens, relative to each other. */
const corpusWeights = z.record(partName, z.number().nonnegative().max(1e6));

const vocabularySection = z
  .strictObject({
    path: path
      .optional()
      .describe(
        'An existing vocab.txt or WordPiece tokenizer.json, or a folder with one; trained when left out',
      )
      .meta({ decides: 'content' }),
    size: z
      .int()
      .min(64)
      .max(maxVocabularySize)
      .default(30_522)
      .describe('Entries of a trained vocabulary')
      .meta({ decides: 'data', change: 'new' }),
    minFrequency: countUpTo(2 ** 31)
      .default(2)
      .describe('Rarest pair that is still merged')
      .meta({ decides: 'data' }),
    doLowerCase: z
      .boolean()
      .default(true)
      .describe('Uncased model: lower-case and strip accents')
      .meta({ decides: 'data', change: 'new' }),
    extend: countUpTo(maxVocabularySize)
      .optional()
      .describe('Pieces that the text needs, learnt in addition to those of a given vocabulary')
      .meta({ decides: 'data' }),
  })
  .describe('WordPiece vocabulary');

const seqLength = z.int().min(8).max(4096);

const examplesSection = z
  .strictObject({
    maxSeqLength: seqLength
      .default(128)
      .describe('Tokens of an example')
      .meta({ decides: 'examples' }),
    ...pretrainingSettings,
    corpusWeights: corpusWeights
      .optional()
      .describe(
        'Shares of the tokens of an epoch that come from each of corpus.parts, relative to each other; 0: none. Left out: all text once',
      )
      .meta({ decides: 'examples' }),
    numShards: datasetShardCount
      .default(16)
      .describe(
        'Dataset shards of the corpus, or of each of its parts; each is one example job per epoch',
      )
      .meta({ decides: 'data' }),
    shuffleWindowShards: shardCount
      .default(16)
      .describe('Shards mixed together in the epoch order')
      .meta({ decides: 'weights', change: 'init' }),
    readAheadShards: shardCount
      .default(32)
      .describe('Example jobs made ahead of training')
      .meta({ decides: 'nothing' }),
  })
  .describe(pretrainingExamples);

const optimizerSection = z
  .strictObject({
    name: z
      .enum(['adamw', 'lamb'])
      .default('adamw')
      .describe('adamw as in the BERT release, or LAMB')
      .meta({ decides: 'weights' }),
    learningRate: z
      .number()
      .positive()
      .default(1e-4)
      .describe('Peak learning rate')
      .meta({ decides: 'rate' }),
    numWarmupSteps: stepInterval
      .default(0)
      .describe('Steps of linear warm-up')
      .meta({ decides: 'rate' }),
    warmupRatio: ratio
      .lt(1)
      .optional()
      .describe('Instead of numWarmupSteps: the warm-up as a share of all steps')
      .meta({ decides: 'rate' }),
    schedule: z
      .enum(['google', 'linear', 'constant', 'cosine', 'wsd', 'square-root'])
      .default('google')
      .describe(
        'google: decay counted from step 0; linear, cosine: from the end of warm-up; wsd: stable, then a short decay; ' +
          'square-root: falls as 1/√step',
      )
      .meta({ decides: 'rate' }),
    numDecaySteps: stepCount
      .optional()
      .describe('Steps of the decay that ends a wsd schedule; default a tenth of train.numSteps')
      .meta({ decides: 'rate' }),
    decayShape: z
      .enum(['linear', '1-sqrt'])
      .optional()
      .describe('How a wsd schedule decays; default linear')
      .meta({ decides: 'rate' }),
    beta1: ratio
      .lt(1)
      .default(0.9)
      .describe('Decay of the first moment')
      .meta({ decides: 'weights' }),
    beta2: ratio
      .lt(1)
      .default(0.999)
      .describe('Decay of the second moment')
      .meta({ decides: 'weights' }),
    epsilon: z
      .number()
      .positive()
      .default(1e-6)
      .describe('Added to the root of the second moment')
      .meta({ decides: 'weights' }),
    weightDecay: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe('Not on biases and layer norms')
      .meta({ decides: 'weights' }),
    clipNorm: z
      .number()
      .positive()
      .default(1)
      .describe('Global gradient norm limit')
      .meta({ decides: 'weights' }),
  })
  .describe('Optimizer and schedule');

const trainSection = z
  .strictObject({
    numSteps: stepCount
      .default(defaultNumSteps)
      .describe('Optimizer steps of the run')
      .meta({ decides: 'rate' }),
    numEpochs: z
      .number()
      .positive()
      .max(10_000)
      .optional()
      .describe('Of a fine-tuning, instead of numSteps: times that it sees each training example')
      .meta({ decides: 'rate' }),
    globalBatch: exampleCount
      .default(256)
      .describe('Examples of a step, whatever the number of workers')
      .meta({ decides: 'weights', change: 'init' }),
    virtualRanks: rankCount
      .default(8)
      .describe('Fixed parts of a step; a power of two')
      .meta({ decides: 'weights' }),
    microBatch: exampleCount
      .optional()
      .describe('Examples of one forward pass; default a whole virtual rank')
      .meta({ decides: 'weights' }),
    evalEverySteps: stepInterval
      .default(0)
      .describe('0: only at the end; of a run in epochs, after each')
      .meta({ decides: 'nothing' }),
    numEvalExamples: exampleCount
      .default(512)
      .describe('Held-out examples of an evaluation')
      .meta({ decides: 'nothing' }),
    checkpointEverySteps: stepInterval
      .default(100)
      .describe('Steps between checkpoints; 0: one with each evaluation')
      .meta({ decides: 'nothing' }),
    checkpointEveryMs: saveInterval
      .default(0)
      .describe('Also after this much time, by the clock of Redis; 0: by steps only')
      .meta({ decides: 'nothing' }),
    maxUnsavedMs: saveInterval
      .default(14_400_000)
      .describe('Training waits once the bucket has taken no checkpoint for this long; 0: never')
      .meta({ decides: 'nothing' }),
    keepLast: stepCount.default(3).describe('Newest checkpoints kept').meta({ decides: 'nothing' }),
    keepEverySteps: stepInterval
      .default(0)
      .describe('Also kept for good: every m-th step')
      .meta({ decides: 'nothing' }),
    engine: z
      .enum(['graph', 'eager'])
      .default('graph')
      .describe('graph: one compiled TensorFlow graph; eager: op by op, the slow oracle')
      .meta({ decides: 'weights' }),
    precision: z
      .enum(['fp32', 'bf16'])
      .default('fp32')
      .describe('Arithmetic of the matmuls; bf16 needs the graph engine')
      .meta({ decides: 'weights' }),
    allReduceDtype: z
      .enum(allReduceDtypes)
      .default('fp32')
      .describe('Type in which gradients travel; bf16: half the bytes, sums rounded to bf16')
      .meta({ decides: 'weights' }),
  })
  .describe('Training loop');

const clusterSection = z
  .strictObject({
    numWorkers: workerCount
      .default(1)
      .describe('Workers that berth starts on this machine')
      .meta({ decides: 'nothing' }),
    minWorkers: rankCount
      .default(1)
      .describe('Below this many workers the run waits')
      .meta({ decides: 'nothing' }),
    stepTimeoutMs: stepTimeout
      .default(600_000)
      .describe('Longest a step may take before it is retried')
      .meta({ decides: 'nothing' }),
    numThreads: threadCount
      .default(1)
      .describe('TensorFlow threads of a worker; part of the numerics')
      .meta({ decides: 'weights' }),
  })
  .describe('Machines');

/** Steps with a setting of their own; what a phase leaves out is that of the other sections. */
const phaseSchema = z.strictObject({
  numSteps: stepCount,
  maxSeqLength: seqLength.optional(),
  ...phaseExampleSettings,
  corpusWeights: corpusWeights.optional(),
  globalBatch: exampleCount.optional(),
});

/** More than any published recipe has. */
const maxPhases = 64;

/** A run, as a YAML or JSON file states it. The schema is the only definition; everything else is derived. */
export const runConfigSchema = z
  .strictObject({
    name: z
      .string()
      .regex(runNamePattern, 'use lower-case letters, digits and hyphens')
      .describe('Name of the run; also its folder in the store')
      .meta({ decides: 'nothing', change: 'new' }),
    seed: z
      .int()
      .min(0)
      .max(0xffff_ffff)
      .default(12_345)
      .describe('Decides everything random')
      .meta({ decides: 'data' }),
    corpus: corpusSection.optional(),
    task: fineTuningSection.optional(),
    vocabulary: vocabularySection.prefault({}),
    examples: examplesSection.prefault({}),
    model: modelSectionSchema.prefault({}),
    init: initSectionSchema.optional(),
    optimizer: optimizerSection.prefault({}),
    train: trainSection.prefault({}),
    cluster: clusterSection.prefault({}),
    phases: z
      .array(phaseSchema)
      .min(1)
      .max(maxPhases)
      .optional()
      .describe(
        'Parts of the run with lengths, masks, rows, batches or corpus weights of their own',
      )
      .meta({ decides: 'weights' }),
    export: exportSectionSchema.optional(),
  })
  .describe('berth run');

/** What a run file may have besides, which then states several runs. */
const runFileSchema = runConfigSchema.extend({ grid: gridSectionSchema.optional() });

/** The published JSON Schema of a run file, for editors: that of a run, and `grid`. */
export function runFileJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(runFileSchema, { io: 'input' }) as Record<string, unknown>;
}

/** The JSON Schema of a run's config. */
export function runConfigJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(runConfigSchema, { io: 'input' }) as Record<string, unknown>;
}

/** A config as a run of this or an earlier release has it stored. */
export const storedRunConfigSchema = z.preprocess(
  (stored) => withCurrentNames(stored).config,
  runConfigSchema,
);

export type RunConfig = z.output<typeof runConfigSchema>;
export type RunConfigInput = z.input<typeof runConfigSchema>;
export type ExamplesConfig = RunConfig['examples'];
export type OptimizerConfig = RunConfig['optimizer'];
export type TrainConfig = RunConfig['train'];
export type VocabularyConfig = RunConfig['vocabulary'];
export type CorpusConfig = NonNullable<RunConfig['corpus']>;
