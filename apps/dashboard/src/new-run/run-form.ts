import type { RunConfig } from '@berth/contracts';
import { runNamePattern } from '@berth/contracts/constants';
import type { Preset } from '../api/client.ts';

type ModelName = RunConfig['model']['size'];

/** What the form asks for. */
export interface RunForm {
  /** Name of the preset that gives all the rest; empty: the defaults. */
  readonly preset: string;
  readonly name: string;
  readonly corpus: string;
  readonly model: ModelName;
  readonly numSteps: number;
  readonly numWorkers: number;
  readonly globalBatch: number;
  readonly learningRate: number;
}

interface PublishedSize {
  readonly name: ModelName;
  readonly numLayers: number;
  /** Heads have 64 of it each, the feed-forward layer has four times as much. */
  readonly hiddenSize: number;
}

/** The published sizes, as people compare them. */
export const publishedSizes: readonly PublishedSize[] = [
  { name: 'tiny', numLayers: 2, hiddenSize: 128 },
  { name: 'mini', numLayers: 4, hiddenSize: 256 },
  { name: 'small', numLayers: 4, hiddenSize: 512 },
  { name: 'medium', numLayers: 8, hiddenSize: 512 },
  { name: 'base', numLayers: 12, hiddenSize: 768 },
  { name: 'large', numLayers: 24, hiddenSize: 1024 },
];

/** A form filled in from a preset, under a name that is likely to be free. */
export function formOfPreset({ name, config }: Preset, random = Math.random()): RunForm {
  const suffix = Math.floor(random * 36 ** 4)
    .toString(36)
    .padStart(4, '0');
  return {
    preset: name,
    name: `${config.name}-${suffix}`,
    corpus: config.corpus?.path ?? '',
    model: config.model.size,
    numSteps: config.train.numSteps,
    numWorkers: config.cluster.numWorkers,
    globalBatch: config.train.globalBatch,
    learningRate: config.optimizer.learningRate,
  };
}

/** The config to submit: the preset's, with what the form says. The coordinator checks it. */
export function configOfForm(form: RunForm, preset: Preset | undefined): unknown {
  const base: Partial<RunConfig> = preset?.config ?? {};
  return {
    ...base,
    name: form.name,
    corpus: { ...base.corpus, path: form.corpus },
    model: modelOf(form.model, base.model),
    optimizer: {
      ...base.optimizer,
      learningRate: form.learningRate,
      ...(base.optimizer === undefined
        ? {}
        : { numWarmupSteps: Math.min(base.optimizer.numWarmupSteps, form.numSteps) }),
    },
    train: { ...base.train, numSteps: form.numSteps, globalBatch: form.globalBatch },
    cluster: { ...base.cluster, numWorkers: form.numWorkers },
  };
}

/** Another size brings its own shape; what else the preset says of the model stays. */
function modelOf(size: ModelName, base: RunConfig['model'] | undefined): unknown {
  if (base === undefined || base.size === size) return { ...base, size };
  const { hiddenSize: _h, numLayers: _l, numHeads: _n, intermediateSize: _i, ...rest } = base;
  return { ...rest, size };
}

/** Why the form cannot be sent yet. */
export function problemOf(form: RunForm): string | undefined {
  if (!runNamePattern.test(form.name))
    return 'The name takes lower-case letters, digits and hyphens';
  if (form.corpus.trim() === '') return 'Say where the corpus is';
  const counts = [
    ['Steps', form.numSteps],
    ['Workers', form.numWorkers],
    ['Examples of a step', form.globalBatch],
  ] as const;
  const wrong = counts.find(([, value]) => !Number.isInteger(value) || value < 1);
  if (wrong !== undefined) return `${wrong[0]} must be a whole number of 1 or more`;
  if (!(form.learningRate > 0)) return 'The learning rate must be above 0';
  return undefined;
}
