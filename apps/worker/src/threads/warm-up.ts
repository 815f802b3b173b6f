import { vectorDigest } from '@berth/collectives';
import {
  isMeasuredByPredictions,
  sha256Hex,
  type BatchShape,
  type ExampleBatch,
  type GradientRequest,
  type Task,
  type TrainingEngine,
} from '@berth/contracts';
import { madeUpBatch } from '@berth/model';
import type { EngineSpec } from './create-engine.ts';

/**
 * Does a step that counts for nothing, so that TensorFlow compiles and the first real step is as fast as any: the others
 * wait for it. Leaves the engine without a state worth keeping; it is initialised or loaded before it trains.
 * @returns its fingerprint: the digest of the gradient, then that of weights and moments. All that decides the bits of a
 * run has part in it, whatever it is called
 */
export function warmUp(engine: TrainingEngine, spec: EngineSpec): string {
  // The first last: most runs begin with it, and one that does not enters its phase anyway.
  const prints = spec.shapes
    .map((shape, phase) => ({ shape, phase }))
    .toReversed()
    .map(({ shape, phase }) => {
      engine.enterPhase?.(phase);
      return warmUpFor(engine, spec, shape);
    });
  return prints.length === 1 ? prints[0]! : sha256Hex(prints.join(' ')).slice(0, prints[0]!.length);
}

function warmUpFor(
  engine: TrainingEngine,
  { model, seed, train }: EngineSpec,
  shape: BatchShape,
): string {
  engine.initialize(seed);
  // Two ranks, because sums of ranks are compiled too.
  const batchOf = (virtualRank: number): ExampleBatch =>
    madeUpBatch(engine.task, shape, model.vocabSize, virtualRank);
  const ranks = Array.from({ length: Math.min(2, train.virtualRanks) }, (_, virtualRank) => ({
    virtualRank,
    microBatches: [batchOf(virtualRank)],
  }));
  const request: GradientRequest = {
    step: 0,
    block: { start: 0, length: ranks.length },
    ranks,
    lossScales: lossScalesFor(engine.task, shape, ranks.length * shape.batchSize),
  };
  const held = engine.holdGradients?.(request);
  const gradient = engine.readHeldGradients?.() ?? engine.computeGradients(request);
  // Twice: where the learning rate grows from 0, the first update moves only the moments.
  engine.applyGradients(gradient);
  engine.applyHeldGradients();
  // An evaluation comes before the first step.
  if ((train.evalEverySteps ?? 0) > 0)
    if (isMeasuredByPredictions(engine.task)) engine.measure(batchOf(0));
    else engine.evaluate(batchOf(0));
  return `${held?.digest ?? vectorDigest(gradient)}${engine.stateDigest()}`;
}

/** As if all places for labels were taken. */
function lossScalesFor(
  { losses }: Task,
  { maxPredictions }: BatchShape,
  numExamples: number,
): GradientRequest['lossScales'] {
  const numLabels = (sum: string): number => (sum === 'numExamples' ? 1 : maxPredictions);
  return Object.fromEntries(
    losses.map(({ name, over }) => [name, 1 / (numExamples * numLabels(over.sum))]),
  );
}
