import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph, openGraphSession, startTensorFlow, type Value } from '@berth/graph';
import { expect, it, onTestFinished } from 'vitest';
import { crossEntropy } from './cross-entropy.ts';

it('counts a label among equal largest logits only where it is the first of them', () => {
  const cases = [
    { logits: [3, 1, 3, 2], label: 0, isHit: 1 },
    { logits: [3, 1, 3, 2], label: 2, isHit: 0 },
    { logits: [3, 1, 3, 2], label: 3, isHit: 0 },
    { logits: [0, 0, 0, 0], label: 0, isHit: 1 },
    { logits: [0, 0, 0, 0], label: 3, isHit: 0 },
    { logits: [-5, -4, -3, -2], label: 3, isHit: 1 },
  ];
  const graph = new Graph();
  const float32 = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
  const inputs = {
    logits: graph.placeholder('logits', float32(cases.length, 4)),
    labels: graph.placeholder('labels', { dtype: 'int32', shape: [cases.length] }),
    weights: graph.placeholder('weights', float32(cases.length)),
  };
  const { logits, labels, weights } = inputs;
  const [loss, hits, isHit, gradient] = graph.call(
    'cross_entropy',
    (x: Value, y: Value, w: Value) => {
      const result = crossEntropy(x, y, w);
      return [result.loss, result.hits, result.isHit_R, result.gradient_RC];
    },
    [logits, labels, weights],
  ) as [Value, Value, Value, Value];
  graph.signature('run', { inputs, outputs: { loss, hits, isHit, gradient } });
  const cacheFolder = mkdtempSync(join(tmpdir(), 'berth-cross-entropy-'));
  const session = openGraphSession(startTensorFlow({ numThreads: 1 }), graph, { cacheFolder });
  onTestFinished(() => {
    session.dispose();
    rmSync(cacheFolder, { recursive: true });
  });

  const rowWeights = cases.map((_, row) => row + 1);
  const result = session.run('run', {
    logits: Float32Array.from(cases.flatMap((each) => each.logits)),
    labels: Int32Array.from(cases, ({ label }) => label),
    weights: Float32Array.from(rowWeights),
  });
  const softmaxes = cases.map((each) => {
    const powers = each.logits.map(Math.exp);
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / total);
  });
  const sumOf = (term: (row: number) => number): number =>
    rowWeights.reduce((sum, weight, row) => sum + weight * term(row), 0);
  expect(Array.from(result['isHit']!)).toEqual(cases.map(({ isHit }) => isHit));
  expect(result['hits']![0]).toBe(sumOf((row) => cases[row]!.isHit));
  const lossOf = (row: number): number => -Math.log(softmaxes[row]![cases[row]!.label]!);
  expect(result['loss']![0]).toBeCloseTo(sumOf(lossOf), 4);
  for (const [at, value] of result['gradient']!.entries()) {
    const [row, column] = [Math.floor(at / 4), at % 4];
    const isLabel = cases[row]!.label === column ? 1 : 0;
    expect(value).toBeCloseTo(softmaxes[row]![column]! - isLabel, 6);
  }
});
