import { trainingFlopsPerStep } from '@berth/model';
import { summarize, type Summary } from '../summary.ts';
import { measureCeiling } from './matmul-ceiling.ts';
import { stepRunner, type StepRunner } from './step-runner.ts';
import { stepWork, type ModelChanges, type StepSetting } from './step-setting.ts';

/** A part of a step, in milliseconds: medians over the turns with the middle half. */
export interface PartOfStep {
  readonly name: string;
  readonly ms: Summary;
  /** What its matrix products take at the machine's ceiling; undefined for a part of another part. */
  readonly productsMs?: number;
}

export interface StepProfile {
  readonly setting: StepSetting;
  readonly stepMs: Summary;
  readonly ceilingGflops: number;
  /** They add up to the step, but for what medians lose. */
  readonly parts: readonly PartOfStep[];
  /** What is in the parts: less would be done without it. */
  readonly within: readonly PartOfStep[];
}

/** Runs before those that count, in which TensorFlow compiles. */
const numWarmUps = 2;

/**
 * Where the time of a step goes. One compiled graph has no times of its parts, so models that lack a part take turns with the whole one;
 * what they save is what the part costs.
 * @param numTurns - steps of each
 * @throws RangeError for another task than pre-training
 */
export function profileStep(setting: StepSetting, numTurns: number): StepProfile {
  if (setting.task !== 'pretraining')
    throw new RangeError(`--profile is of pretraining, not of ${setting.task}`);
  const { numLayers } = stepWork(setting).model;
  const shallow = { numLayers: Math.max(1, Math.floor(numLayers / 2)) };
  const changes = {
    whole: {},
    shallow,
    withoutHiddenDropout: { hiddenDropoutRatio: 0 },
    withoutAttentionDropout: { attentionDropoutRatio: 0 },
  } satisfies Record<string, ModelChanges>;
  const runnerOf = (change: ModelChanges): StepRunner => {
    const runner = stepRunner(setting, change);
    for (let count = 0; count < numWarmUps; count++) runner.run();
    return runner;
  };
  const whole = runnerOf(changes.whole);
  const runners = {
    shallow: runnerOf(changes.shallow),
    withoutHiddenDropout: runnerOf(changes.withoutHiddenDropout),
    withoutAttentionDropout: runnerOf(changes.withoutAttentionDropout),
  };
  whole.evaluate();
  const turns = Array.from({ length: numTurns }, () => ({
    whole: whole.run(),
    forwardMs: whole.evaluate(),
    shallowMs: runners.shallow.run().gradientMs,
    withoutHiddenMs: runners.withoutHiddenDropout.run().gradientMs,
    withoutAttentionMs: runners.withoutAttentionDropout.run().gradientMs,
  }));
  const ceilingGflops = measureCeiling(whole.tensorFlow, setting);
  for (const { engine } of [whole, ...Object.values(runners)]) engine.dispose();

  const of = (ms: (turn: (typeof turns)[number]) => number): Summary => summarize(turns.map(ms));
  const perLayer = numLayers / (numLayers - shallow.numLayers);
  const layersMs = (turn: (typeof turns)[number]): number =>
    (turn.whole.gradientMs - turn.shallowMs) * perLayer;
  const flops = (change: ModelChanges): number =>
    trainingFlopsPerStep(stepWork(setting, change).model, setting, setting.batchSize);
  const allFlops = flops({});
  const layerFlops = (allFlops - flops(shallow)) * perLayer;
  const atCeiling = (count: number): number => count / ceilingGflops / 1e6;
  return {
    setting,
    stepMs: of(({ whole: { gradientMs, applyMs } }) => gradientMs + applyMs),
    ceilingGflops,
    parts: [
      { name: `${numLayers} layers`, ms: of(layersMs), productsMs: atCeiling(layerFlops) },
      {
        name: 'embeddings, heads, loss',
        ms: of((turn) => turn.whole.gradientMs - layersMs(turn)),
        productsMs: atCeiling(allFlops - layerFlops),
      },
      {
        name: 'norm, clipping, update',
        ms: of(({ whole: { applyMs } }) => applyMs),
        productsMs: 0,
      },
    ],
    within: [
      { name: 'forward pass, nothing dropped', ms: of(({ forwardMs }) => forwardMs) },
      {
        name: 'dropout of hidden states',
        ms: of((turn) => turn.whole.gradientMs - turn.withoutHiddenMs),
      },
      {
        name: 'dropout of attention',
        ms: of((turn) => turn.whole.gradientMs - turn.withoutAttentionMs),
      },
    ],
  };
}

/** For people. */
export function printProfile({ setting, stepMs, ceilingGflops, parts, within }: StepProfile): void {
  const { size, precision, optimizer, batchSize, maxSeqLength, numThreads } = setting;
  console.log(
    `${size} ${precision} ${optimizer}, ${batchSize} x ${maxSeqLength}, ${numThreads} threads: a step of ${stepMs.median.toFixed(0)} ms; ` +
      `products at best are at the ceiling of ${ceilingGflops.toFixed(0)} GFLOP/s`,
  );
  const row = (name: string, ...cells: readonly string[]): void =>
    console.log(name.padEnd(32) + cells.map((cell) => cell.padStart(24)).join(''));
  const line = ({ name, ms, productsMs }: PartOfStep, indent: string): void =>
    row(
      indent + name,
      `${ms.median.toFixed(1)} (${ms.low.toFixed(1)} to ${ms.high.toFixed(1)}) ms`,
      `${((100 * ms.median) / stepMs.median).toFixed(0)} %`,
      productsMs === undefined ? '' : `${productsMs.toFixed(1)} ms`,
    );
  row('', 'time (middle half)', 'of the step', 'products at best');
  for (const part of parts) line(part, '');
  console.log('of these');
  for (const part of within) line(part, '  ');
}
