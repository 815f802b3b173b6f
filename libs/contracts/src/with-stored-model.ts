import type { SourceOf } from './config-error.ts';
import { BerthError } from './errors.ts';
import { maxVocabularySize } from './limits.ts';
import { initSectionSchema, type InitSection } from './init-section.ts';
import { modelSizeNames, modelSizes, type ModelConfig, type ModelSize } from './model-config.ts';
import { isSection, type Section } from './section.ts';
import type { StoredModel } from './stored-model.ts';

/** What of a stored model fills a config in. */
export type InitialModel = Pick<StoredModel, 'modelId' | 'model' | 'doLowerCase' | 'fineTuning'> & {
  readonly vocabulary: Pick<StoredModel['vocabulary'], 'numTokens'>;
};

/**
 * A run config as it was written, with what it leaves out filled in from the model that it begins with: that one's SHA-256, sizes,
 * vocabulary size and lower-casing. Filling it in again changes nothing.
 * @param source - where it came from, or where each setting did, for messages
 * @throws BerthError `CONFIG_INVALID` for a setting that contradicts the model
 */
export function withStoredModel(
  config: unknown,
  start: InitialModel,
  source: string | SourceOf,
): unknown {
  if (!isSection(config) || !isSection(config['init'])) return config;
  const { init, model = {}, vocabulary = {} } = config;
  if (!isSection(model) || !isSection(vocabulary)) return config;
  const from = String(init['from']);
  const sourceOf = typeof source === 'string' ? () => source : source;
  const fail = (key: string, why: string): never => {
    throw new BerthError('CONFIG_INVALID', `${sourceOf(key.split('.'))}: ${key}: ${why}`);
  };
  /** The model's value, which may be said again but not otherwise. */
  const same = <T>(section: Section, name: string, key: string, value: T): T => {
    const given = section[key];
    if (given === undefined || given === value) return value;
    const path = `${name}.${key}`;
    return fail(
      path,
      `${JSON.stringify(given)}, but ${from} has ${JSON.stringify(value)}: leave it out`,
    );
  };
  const own = start.model;
  const { numTokens } = start.vocabulary;
  if (numTokens > maxVocabularySize)
    fail(
      'init.from',
      `${from} has ${numTokens} entries in its vocabulary; a run takes at most ${maxVocabularySize}`,
    );
  const fixed = Object.fromEntries(
    fixedKeys.map((key) => [key, same(model, 'model', key, own[key])]),
  );
  return {
    ...config,
    init: { ...init, sha256: same(init, 'init', 'sha256', start.modelId) },
    model: {
      ...Object.fromEntries(freeKeys.map((key) => [key, own[key]])),
      ...model,
      ...fixed,
      size: sizeOf(own, model, from, fail),
      maxPositions: positionsOf(own, { init, given: model['maxPositions'], from, fail }),
    },
    vocabulary: {
      ...vocabulary,
      size: same(vocabulary, 'vocabulary', 'size', numTokens),
      doLowerCase: same(vocabulary, 'vocabulary', 'doLowerCase', start.doLowerCase),
    },
  };
}

/** The model that a config as it was written begins with; `undefined` for one that begins from its seed, or is none. */
export function readInit(config: unknown): InitSection | undefined {
  if (!isSection(config)) return undefined;
  const read = initSectionSchema.safeParse(config['init']);
  return read.success ? read.data : undefined;
}

/** What shapes the weights or what they compute. */
const fixedKeys = [
  'hiddenSize',
  'numLayers',
  'numHeads',
  'intermediateSize',
  'typeVocabSize',
  'hiddenAct',
  'layerNormEps',
] as const satisfies (keyof ModelConfig)[];

/** What the same weights may be trained on with. */
const freeKeys = [
  'hiddenDropoutRatio',
  'attentionDropoutRatio',
  'initializerRange',
] as const satisfies (keyof ModelConfig)[];

type Fail = (key: string, why: string) => never;

/** The published size of a model; one that has none goes by its single sizes, whatever its name. */
function sizeOf(model: ModelConfig, section: Section, from: string, fail: Fail): unknown {
  const isOf = (name: ModelSize): boolean =>
    (['hiddenSize', 'numLayers', 'numHeads'] as const).every(
      (key) => modelSizes[name][key] === model[key],
    );
  const size = modelSizeNames.find(isOf);
  if (section['size'] === undefined) return size ?? 'base';
  const given = section['size'] as ModelSize;
  // Of one that has no published size, the single sizes say it all.
  const isSaid = section['hiddenSize'] !== undefined && section['numLayers'] !== undefined;
  if (given === size || (size === undefined && isSaid) || !modelSizeNames.includes(given))
    return given;
  return fail('model.size', `${given}, but ${from} is ${size ?? 'of another size'}: leave it out`);
}

/** Positions can be added, by copying, where that is asked for; never taken away. */
function positionsOf(
  { maxPositions: own }: ModelConfig,
  asked: {
    readonly init: Section;
    readonly given: unknown;
    readonly from: string;
    readonly fail: Fail;
  },
): unknown {
  const { init, given, from, fail } = asked;
  const isExtended = init['extendPositions'] === true;
  if (given === undefined) return isExtended ? 2 * own : own;
  if (typeof given !== 'number' || given === own) return given;
  if (given < own)
    return fail('model.maxPositions', `${given}, but ${from} has ${own}: leave it out`);
  if (isExtended) return given;
  return fail(
    'model.maxPositions',
    `${given}, but ${from} has ${own}: leave it out, or set init.extendPositions: true to copy those that it has`,
  );
}
