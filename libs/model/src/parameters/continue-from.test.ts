import { describe, expect, it } from 'vitest';
import { pretrainingModel } from '../tasks/pretraining/pretraining-model.ts';
import { microConfig, microLayout } from '../testing/golden.ts';
import { continueFrom, type StoredWeights } from './continue-from.ts';
import { initialWeights } from './initialize.ts';
import { parameterLayout } from './parameter-layout.ts';

const words = 'bert/embeddings/word_embeddings';
const positions = 'bert/embeddings/position_embeddings';
const bias = 'cls/predictions/output_bias';

const flat = initialWeights(microLayout, microConfig, 1).map(
  (value, index) => value + index * 1e-5,
);

function stored(without: RegExp = /^$/): StoredWeights {
  return new Map(
    microLayout
      .filter(({ name }) => !without.test(name))
      .map(({ name, shape, offset, size }) => [
        name,
        { shape, values: flat.slice(offset, offset + size) },
      ]),
  );
}

const options = {
  task: pretrainingModel,
  model: microConfig,
  seed: 2,
  weights: stored(),
  oldEntries: new Map<number, readonly number[]>(),
};

/** Values of a parameter after beginning with the stored weights. */
function begun(name: string, changes: Partial<typeof options>): Float32Array {
  const { state } = continueFrom({ ...options, ...changes });
  const layout = parameterLayout({ ...microConfig, ...changes.model }, pretrainingModel);
  const spec = layout.find((one) => one.name === name)!;
  return state.weights.slice(spec.offset, spec.offset + spec.size);
}

const rows = (values: Float32Array, from: number, to = from + 1, width = 16): Float32Array =>
  values.slice(from * width, to * width);

const kept = (name: string): Float32Array => stored().get(name)!.values;

describe('a run that begins with stored weights', () => {
  it('has them to the bit, no moments, and step 0', () => {
    const { state, fresh, unused } = continueFrom(options);
    expect(state.weights).toEqual(flat);
    expect(state.step).toBe(0);
    expect([...state.firstMoments, ...state.secondMoments].every((value) => value === 0)).toBe(
      true,
    );
    expect([fresh, unused]).toEqual([[], []]);
  });

  it('draws what they lack from the seed, as without them, and names what it has no use for', () => {
    const weights = new Map(stored(/^cls\/|pooler/));
    weights.set('classifier', { shape: [2], values: new Float32Array(2) });
    const { state, fresh, unused } = continueFrom({ ...options, weights });
    const drawn = initialWeights(microLayout, microConfig, 2);
    for (const { name, offset, size } of microLayout) {
      const from = weights.has(name) ? flat : drawn;
      expect(state.weights.slice(offset, offset + size)).toEqual(from.slice(offset, offset + size));
    }
    expect(fresh).toHaveLength(9);
    expect(fresh).toContain('cls/seq_relationship/output_weights');
    expect(unused).toEqual(['classifier']);
  });

  it('begins new entries as the mean of what they were, and keeps all others', () => {
    const model = { ...microConfig, vocabSize: 99 };
    const oldEntries = new Map([
      [4, [10, 11, 13]],
      [97, [20]],
      [98, [4, 1]],
    ]);
    const table = begun(words, { model, oldEntries });
    const before = kept(words);
    const mean = (entries: readonly number[]): Float32Array =>
      Float32Array.from(
        { length: 16 },
        (_, column) =>
          entries.reduce((sum, entry) => sum + before[entry * 16 + column]!, 0) / entries.length,
      );
    for (const [entry, old] of oldEntries) expect(rows(table, entry)).toEqual(mean(old));
    expect(rows(table, 0, 4)).toEqual(rows(before, 0, 4));
    expect(rows(table, 5, 97)).toEqual(rows(before, 5, 97));
    const biases = begun(bias, { model, oldEntries });
    const beforeBias = kept(bias);
    expect(biases[97]).toBe(beforeBias[20]);
    expect(biases[98]).toBe(Math.fround((beforeBias[4]! + beforeBias[1]!) / 2));
    expect(biases.slice(5, 97)).toEqual(beforeBias.slice(5, 97));
  });

  it('copies positions from the first on', () => {
    const table = begun(positions, { model: { ...microConfig, maxPositions: 80 } });
    const before = kept(positions);
    expect(rows(table, 0, 32)).toEqual(before);
    expect(rows(table, 32, 64)).toEqual(before);
    expect(rows(table, 64, 80)).toEqual(rows(before, 0, 16));
  });

  it.each([
    ['fewer positions', { maxPositions: 16 }],
    ['a smaller vocabulary', { vocabSize: 96 }],
    ['another width', { hiddenSize: 8 }],
    ['another feed-forward width', { intermediateSize: 32 }],
  ])('refuses weights for %s', (_, change) => {
    expect(() => continueFrom({ ...options, model: { ...microConfig, ...change } })).toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT_MISMATCH',
        message: expect.stringContaining('leave the model section out') as string,
      }),
    );
  });
});
