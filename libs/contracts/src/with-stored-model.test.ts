import { describe, expect, it } from 'vitest';
import { parseRunConfig } from './config-parse.ts';
import { modelSectionSchema, resolveModelConfig } from './model-config.ts';
import { trainingHash } from './settings.ts';
import { readInit, withStoredModel, type InitialModel } from './with-stored-model.ts';

const stored: InitialModel = {
  modelId: 'a'.repeat(64),
  model: {
    ...resolveModelConfig(modelSectionSchema.parse({ size: 'tiny' }), 900),
    hiddenAct: 'gelu',
    hiddenDropoutRatio: 0.2,
    maxPositions: 128,
  },
  doLowerCase: false,
  vocabulary: { numTokens: 900 },
};

const base = { name: 'run', corpus: { path: 'a.txt' } };
const written = { ...base, init: { from: 'bert' } };

function parsed(config: object, model = stored): ReturnType<typeof parseRunConfig> {
  return parseRunConfig(withStoredModel(config, model, 'run.yaml'), 'run.yaml');
}

describe('a config that begins with a stored model', () => {
  it('has its sizes, vocabulary and lower-casing, and its SHA-256', () => {
    const config = parsed(written);
    const { vocabSize, ...model } = resolveModelConfig(config.model, 900);
    expect({ ...model, vocabSize }).toEqual(stored.model);
    expect(config).toMatchObject({
      init: { from: 'bert', sha256: stored.modelId },
      model: { size: 'tiny' },
      vocabulary: { size: 900, doLowerCase: false },
    });
  });

  it('is the same when it is filled in again, and other weights make another run', () => {
    const config = parsed(written);
    expect(parsed(config)).toEqual(config);
    const other = parsed(written, { ...stored, modelId: 'b'.repeat(64) });
    expect(trainingHash(other)).not.toBe(trainingHash(config));
    const unnamed = { ...stored, model: { ...stored.model, hiddenSize: 64, numHeads: 1 } };
    const odd = parsed(written, unnamed);
    expect(parsed(odd, unnamed)).toEqual(odd);
  });

  it('may say dropout otherwise, and more positions where they are to be copied', () => {
    const config = parsed({
      ...written,
      model: { hiddenDropoutRatio: 0, maxPositions: 512 },
      init: { from: 'bert', extendPositions: true },
    });
    expect(config.model).toMatchObject({ hiddenDropoutRatio: 0, maxPositions: 512 });
    const twice = parsed({ ...base, init: { from: 'bert', extendPositions: true } });
    expect(twice.model.maxPositions).toBe(256);
  });

  it.each([
    [{ model: { size: 'base' } }, 'run.yaml: model.size: base, but bert is tiny: leave it out'],
    [{ model: { numLayers: 3 } }, 'run.yaml: model.numLayers: 3, but bert has 2: leave it out'],
    [{ model: { hiddenAct: 'gelu_new' } }, 'model.hiddenAct: "gelu_new", but bert has "gelu"'],
    [{ model: { maxPositions: 64 } }, 'model.maxPositions: 64, but bert has 128: leave it out'],
    [{ model: { maxPositions: 512 } }, 'or set init.extendPositions: true to copy'],
    [{ vocabulary: { size: 1000 } }, 'vocabulary.size: 1000, but bert has 900: leave it out'],
    [{ vocabulary: { doLowerCase: true } }, 'vocabulary.doLowerCase: true, but bert has false'],
    [{ init: { from: 'bert', sha256: 'c'.repeat(64) } }, /init\.sha256: "c+", but bert has "a+"/],
  ])('is refused with %j', (settings, message) => {
    expect(() => parsed({ ...written, ...settings })).toThrow(message);
  });

  it('takes vocabularies of many languages, and refuses what is none', () => {
    const ofSize = (numTokens: number) => parsed(written, { ...stored, vocabulary: { numTokens } });
    expect(ofSize(119_547).vocabulary.size).toBe(119_547);
    expect(() => ofSize(1_000_001)).toThrow(/bert has 1000001 entries.*at most 1000000/);
  });

  it('leaves what is no such config to the parser', () => {
    for (const config of [null, [], 'x', base, { ...written, model: 'tiny' }, { ...base, init: 3 }])
      expect(withStoredModel(config, stored, 'run.yaml')).toBe(config);
    expect(readInit(base)).toBeUndefined();
    expect(readInit(written)).toEqual({ from: 'bert', extendPositions: false });
  });

  it('is needed to extend a vocabulary, or one that is named', () => {
    expect(() => parsed({ ...base, vocabulary: { extend: 10 } })).toThrow(
      /vocabulary\.extend: there is no vocabulary to extend/,
    );
    expect(parsed({ ...written, vocabulary: { extend: 10 } }).vocabulary.extend).toBe(10);
  });
});
