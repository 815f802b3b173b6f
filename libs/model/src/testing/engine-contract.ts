import {
  addSums,
  columnOf,
  examplesOf,
  metricsFromSums,
  stepSumsOf,
  tasks,
  unpackGradient,
  type ExampleBatch,
  type ParameterSpec,
  type TrainingEngine,
} from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { bf16Tree } from './bf16-tree.ts';
import { dropping, lossOf, splitGradient, type EngineVariant } from './engine-variants.ts';
import { flatGradient } from './flat-gradient.ts';
import { golden, goldenBatch, goldenFlat, relativeError, tensorsBeyond } from './golden.ts';
import { goldenBlock, goldenState, joinBatches, wholeStep } from './requests.ts';
import { sharedVectors } from './shared-vectors.ts';
import { stateDigestsOf } from './state-digests.ts';

const { sums: sumNames } = tasks.pretraining;

/**
 * A key bias moves all scores of a query alike, so its exact gradient is 0: no relative error exists, and an optimizer that
 * divides by the root of the second moment makes steps of what is rounding alone.
 */
const isKeyBias = ({ name }: ParameterSpec): boolean => name.endsWith('/key/bias');
const withoutKeyBiases = ({ layout }: TrainingEngine): ParameterSpec[] =>
  layout.filter((spec) => !isKeyBias(spec));

/**
 * What every engine does.
 * @param engineOf - gives an engine of the variant in the golden state, used by one test at a time
 */
export function describeEngine(engineOf: (variant?: EngineVariant) => TrainingEngine): void {
  describe('gradients', () => {
    it('equal the reference, tensor by tensor', () => {
      const engine = engineOf();
      const flat = flatGradient(engine, wholeStep(0, goldenBatch(0)));
      expect(flat).toHaveLength(engine.numParameters + sumNames.length);
      const { gradient, sums } = splitGradient(engine, flat);
      const expected = goldenFlat('model-micro-grads.safetensors');
      expect(tensorsBeyond(2e-5, gradient, expected, withoutKeyBiases(engine))).toEqual([]);
      for (const { offset, size } of engine.layout.filter(isKeyBias))
        expect(Math.hypot(...gradient.subarray(offset, offset + size))).toBeLessThan(1e-7);
      const { batch0 } = golden;
      expect(sums['maskedLmLoss']! / batch0.mlmLossNumerator).toBeCloseTo(1, 6);
      expect(sums['nextSentenceLoss']! / 4 / batch0.nextSentenceLoss).toBeCloseTo(1, 6);
      expect(sums).toMatchObject({
        maskedLmCorrect: batch0.maskedLmAccuracy * 4,
        maskedWeight: batch0.mlmWeightSum,
        nextSentenceCorrect: batch0.nextSentenceAccuracy * 4,
        numExamples: 4,
        numTokens: 59,
      });
    });

    it('have the same bits when computed again', () => {
      const request = wholeStep(3, goldenBatch(1));
      const engine = engineOf(dropping);
      expect(flatGradient(engine, request)).toEqual(flatGradient(engine, request));
    });

    it('depend on step, virtual rank and micro-batch through dropout', () => {
      const engine = engineOf(dropping);
      const request = wholeStep(3, goldenBatch(1));
      const [ofRank] = request.ranks;
      const otherRank = { ...ofRank!, virtualRank: 1 };
      const variants = [
        request,
        { ...request, step: 4 },
        { ...request, block: { start: 1, length: 1 }, ranks: [otherRank] },
      ].map((variant) => flatGradient(engine, variant)[0]);
      expect(new Set(variants).size).toBe(3);
    });

    it('of a block have the bits of the tree over its smaller blocks', () => {
      const engine = engineOf(dropping);
      const sum = (a: Float32Array, b: Float32Array) =>
        a.map((value, index) => value + (b[index] ?? 0));
      const leaf = (rank: number) => flatGradient(engine, goldenBlock(rank, 1));
      const tree = sum(sum(leaf(0), leaf(1)), sum(leaf(2), leaf(3)));
      const halves = sum(
        flatGradient(engine, goldenBlock(0, 2)),
        flatGradient(engine, goldenBlock(2, 2)),
      );
      const whole = flatGradient(engine, goldenBlock(0, 4));
      expect(whole).toEqual(tree);
      expect(whole).toEqual(halves);
    });

    it('of a block are the bf16 tree over the ranks when they travel in bf16', () => {
      const exact = engineOf(dropping);
      const leaves = [0, 1, 2, 3].map((rank) => flatGradient(exact, goldenBlock(rank, 1)));
      const engine = engineOf({ ...dropping, allReduceDtype: 'bf16' });
      const packed = engine.computeGradients(goldenBlock(2, 1));
      expect(packed).toBeInstanceOf(Uint16Array);
      expect(unpackGradient(packed, engine.numParameters)).toEqual(bf16Tree(leaves.slice(2, 3)));
      expect(stepSumsOf(sumNames, packed)).toEqual(splitGradient(engine, leaves[2]!).sums);
      expect(flatGradient(engine, goldenBlock(0, 4))).toEqual(bf16Tree(leaves));
    });

    it('barely change when a virtual rank is cut into micro-batches, dropout off', () => {
      const engine = engineOf();
      const batch = goldenBatch(2);
      const request = wholeStep(0, batch);
      const microBatches = [examplesOf(batch, 0, 2), examplesOf(batch, 2, 4)];
      const cut = flatGradient(engine, { ...request, ranks: [{ virtualRank: 0, microBatches }] });
      expect(relativeError(cut, flatGradient(engine, request))).toBeLessThan(1e-6);
    });

    it('reach the word table both from its rows and from the decoder', () => {
      const engine = engineOf();
      const { offset, shape } = engine.layout[0]!;
      const [numWords = 0, width = 0] = shape;
      const rowNorm = (flat: Float32Array, row: number) =>
        Math.hypot(...flat.subarray(offset + row * width, offset + (row + 1) * width));
      const request = wholeStep(0, goldenBatch(0));
      const used = [...columnOf(goldenBatch(0), 'inputIds')];
      const unused = [...Array(numWords).keys()].filter((id) => !used.includes(id));
      const both = flatGradient(engine, request);
      const lossScales = { ...request.lossScales, masked_lm: 0 };
      const lookupOnly = flatGradient(engine, { ...request, lossScales });
      expect(unused.every((id) => rowNorm(both, id) > 0)).toBe(true);
      expect(unused.every((id) => rowNorm(lookupOnly, id) === 0)).toBe(true);
      expect(rowNorm(lookupOnly, used[0]!)).toBeGreaterThan(0);
    });

    it('reach the row of [PAD] from a text that has it, not from padding', () => {
      const engine = engineOf();
      const { offset, shape } = engine.layout[0]!;
      const normOfPad = (batch: ExampleBatch): number => {
        const request = wholeStep(0, batch);
        const lossScales = { ...request.lossScales, masked_lm: 0 };
        const flat = flatGradient(engine, { ...request, lossScales });
        return Math.hypot(...flat.subarray(offset, offset + (shape[1] ?? 0)));
      };
      const batch = goldenBatch(0);
      expect(columnOf(batch, 'inputMask')).toContain(0);
      expect(normOfPad(batch)).toBe(0);
      columnOf(batch, 'inputIds')[1] = 0;
      expect(normOfPad(batch)).toBeGreaterThan(0);
    });

    it('are refused for virtual ranks that are not the block', () => {
      const request = { ...goldenBlock(0, 2), block: { start: 2, length: 2 } };
      expect(() => engineOf().computeGradients(request)).toThrow('virtual ranks 0, 1');
    });
  });

  describe('training', () => {
    it.each(['adamw', 'lamb'] as const)('follows the reference trajectory of %s', (optimizer) => {
      const engine = engineOf({ optimizer });
      const { steps } = golden.trajectory[optimizer];
      for (const expected of steps) {
        const request = wholeStep(expected.step, goldenBatch(expected.step));
        const flat = flatGradient(engine, request);
        const loss = lossOf(splitGradient(engine, flat).sums, request);
        const { learningRate, gradientNorm } = engine.applyGradients(flat);
        expect(learningRate).toBeCloseTo(expected.learningRate, 12);
        expect(loss / expected.loss).toBeCloseTo(1, 4);
        expect(gradientNorm / expected.globalGradNorm).toBeCloseTo(1, 3);
      }
      const { step, weights } = engine.readState();
      expect(step).toBe(steps.length);
      const expected = goldenFlat(`trajectory-${optimizer}.safetensors`);
      expect(tensorsBeyond(1e-4, weights, expected, withoutKeyBiases(engine))).toEqual([]);
    });

    it('goes on with the same bits from a state that was read and loaded', () => {
      const engine = engineOf(dropping);
      const train = (step: number) =>
        engine.applyGradients(flatGradient(engine, wholeStep(step, goldenBatch(step))));
      [0, 1].forEach(train);
      const state = engine.readState();
      [2, 3].forEach(train);
      const expected = engine.readState();
      engine.loadState(goldenState());
      train(0);
      engine.loadState(state);
      [2, 3].forEach(train);
      expect(engine.readState()).toEqual(expected);
    });

    it('reads its state into shared memory, and loads it from there', () => {
      const engine = engineOf(dropping);
      engine.applyGradients(flatGradient(engine, wholeStep(0, goldenBatch(0))));
      const expected = engine.readState();
      const into = sharedVectors(engine.numParameters);
      expect(engine.readState(into)).toEqual(expected);
      expect(into.secondMoments).toEqual(expected.secondMoments);
      engine.loadState(goldenState());
      engine.loadState({ step: 1, ...into });
      expect(engine.readState()).toEqual(expected);
    });

    it('gives the digests of its state', () => {
      const engine = engineOf();
      engine.applyGradients(flatGradient(engine, wholeStep(0, goldenBatch(0))));
      const { given, expected } = stateDigestsOf(engine);
      expect(given).toEqual(expected);
    });

    it('neither keeps nor changes the arrays it is given', () => {
      const engine = engineOf();
      const state = goldenState();
      const gradient = new Float32Array(engine.numParameters + sumNames.length).fill(0.01);
      engine.loadState(state);
      engine.applyGradients(gradient);
      const expected = engine.readState();
      expect(state).toEqual(goldenState());
      state.weights.fill(9);
      gradient.fill(9);
      expect(engine.readState()).toEqual(expected);
    });

    it('lets the caller write to what it gave', () => {
      const engine = engineOf();
      engine.readState().weights.fill(9);
      flatGradient(engine, wholeStep(0, goldenBatch(0))).fill(9);
      expect(engine.readState().weights).toEqual(goldenState().weights);
    });

    it('stops at a gradient that is not finite, and applies nothing', () => {
      const engine = engineOf();
      const before = engine.readState();
      const gradient = new Float32Array(engine.numParameters + sumNames.length);
      gradient[17] = Number.NaN;
      expect(() => engine.applyGradients(gradient)).toThrow(
        expect.objectContaining({ code: 'NUMERICS_NOT_FINITE', details: { step: 0 } }),
      );
      expect(engine.readState()).toEqual(before);
    });

    it('refuses a state of another model', () => {
      const state = { ...goldenState(), secondMoments: new Float32Array(5) };
      expect(() => engineOf().loadState(state)).toThrow(
        expect.objectContaining({ code: 'CHECKPOINT_MISMATCH' }),
      );
    });
  });

  describe('evaluation', () => {
    it('of a fresh model gives the loss of guessing: ln V + ln 2', () => {
      const engine = engineOf();
      engine.initialize(1);
      const { loss } = metricsFromSums(tasks.pretraining, engine.evaluate(goldenBatch(3)));
      expect(loss).toBeCloseTo(Math.log(97) + Math.log(2), 1);
    });

    it('drops nothing', () => {
      const batch = goldenBatch(0);
      const expected = [engineOf().evaluate(batch), engineOf().predict(batch)];
      const engine = engineOf(dropping);
      expect([engine.evaluate(batch), engine.predict(batch)]).toEqual(expected);
      expect(engine.measure(batch)).toEqual({ sums: expected[0], outputs: expected[1] });
    });

    it('takes batches of any size', () => {
      const engine = engineOf();
      const parts = [goldenBatch(0), goldenBatch(1), examplesOf(goldenBatch(2), 0, 1)];
      const large = joinBatches(parts);
      const each = parts.map((part) => engine.evaluate(part));
      const sums = engine.evaluate(large);
      expect(sums['numExamples']).toBe(9);
      for (const [name, sum] of Object.entries(addSums(sumNames, each)))
        expect(relativeError([sums[name]!], [sum])).toBeLessThan(1e-5);
      const outputs = engine.predict(large);
      for (const name of Object.keys(outputs)) {
        const expected = parts.flatMap((part) => [...engine.predict(part)[name]!]);
        expect(relativeError(outputs[name]!, expected)).toBeLessThan(1e-6);
      }
    });

    it('predicts the logits of the reference', () => {
      const { maskedLmLogits, nextSentenceLogits } = engineOf().predict(goldenBatch(0));
      const { mlmLogits, nspLogits } = golden.batch0;
      expect(relativeError(maskedLmLogits!, mlmLogits.flat(2))).toBeLessThan(2e-6);
      expect(relativeError(nextSentenceLogits!, nspLogits.flat())).toBeLessThan(2e-6);
    });
  });
}
