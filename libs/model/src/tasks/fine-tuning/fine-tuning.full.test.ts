import { metricsFromSums, sumsFromVector } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { expect, it, onTestFinished } from 'vitest';
import { createEagerEngine } from '../../eager/eager-engine.ts';
import { createGraphEngine } from '../../graph/graph-engine.ts';
import { dropping, optionsOf } from '../../testing/engine-variants.ts';
import {
  fineTuningBatch,
  fineTuningGradient,
  fineTunings,
  fineTuningState,
  fineTuningStep,
  goldenCase,
} from '../../testing/fine-tuning-golden.ts';
import { flatGradient } from '../../testing/flat-gradient.ts';
import { goldenShape as shape, relativeError } from '../../testing/golden.ts';
import { fineTuningModel } from './fine-tuning-model.ts';

const tensorFlow = startTensorFlow({ numThreads: 1 });
const timeoutMs = 600_000;
const names = Object.keys(fineTunings);

it.each(names)(
  'bf16 is near fp32: %s',
  (name) => {
    const task = fineTuningModel(fineTunings[name]!);
    const engine = createGraphEngine({
      ...optionsOf({}),
      precision: 'bf16',
      task,
      tensorFlow,
      shape,
    });
    onTestFinished(() => engine.dispose());
    const { layout, numParameters } = engine;
    engine.loadState(fineTuningState(name, layout));
    const batch = fineTuningBatch(name);
    const flat = flatGradient(engine, fineTuningStep(engine.task, batch));
    const { loss, outputs } = goldenCase(name);
    const sums = sumsFromVector(engine.task.sums, flat, numParameters);
    const predicted = engine.predict(batch);
    const errors = {
      loss: Math.abs(metricsFromSums(engine.task, sums).loss / loss - 1),
      outputs: Math.max(
        ...Object.entries(outputs).map(([output, values]) =>
          relativeError(predicted[output]!, values),
        ),
      ),
      gradient: relativeError(flat.subarray(0, numParameters), fineTuningGradient(name, layout)),
    };
    expect(errors.loss).toBeLessThan(0.01);
    expect(errors.outputs).toBeLessThan(0.03);
    expect(errors.gradient).toBeLessThan(0.03);
  },
  timeoutMs,
);

it.each(['classify', 'tag'])(
  'drops what the head reads as the eager engine does: %s',
  (name) => {
    const options = { ...optionsOf(dropping), task: fineTuningModel(fineTunings[name]!) };
    const engines = [
      createEagerEngine(options),
      createGraphEngine({ ...options, tensorFlow, shape }),
    ];
    onTestFinished(() => engines.forEach((engine) => engine.dispose()));
    const [expected, actual] = engines.map((engine) => {
      engine.loadState(fineTuningState(name, engine.layout));
      return flatGradient(engine, fineTuningStep(engine.task, fineTuningBatch(name)));
    });
    expect(relativeError(actual!, expected!)).toBeLessThan(1e-6);
    const undropped = fineTuningGradient(name, engines[0]!.layout);
    expect(relativeError(actual!.subarray(0, undropped.length), undropped)).toBeGreaterThan(0.1);
  },
  timeoutMs,
);
