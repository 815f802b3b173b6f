import { parseRunConfig, resolveModelConfig, silentLogger, taskNameOf } from '@berth/contracts';
import { startRuntime } from '../threads/runtime.ts';

/** Starts TensorFlow, lets a call to it hang, tells how that ends, and exits. Argument: the longest a call may take. */
const [limitMs = ''] = process.argv.slice(2);
const config = parseRunConfig(
  {
    name: 'hanging',
    corpus: { path: 'text.txt' },
    vocabulary: { size: 100 },
    examples: { maxSeqLength: 8, maxPredictions: 1 },
    model: { size: 'tiny', numLayers: 1, maxPositions: 8 },
    train: { engine: 'eager' },
  },
  'hanging-runtime',
);
const runtime = await startRuntime({ numThreads: 1, device: 'cpu' }, silentLogger);
const { optimizer, train, seed } = config;
const shapes = [{ batchSize: 1, maxSeqLength: 8, maxPredictions: 1 }];
const model = resolveModelConfig(config.model, 100);
const { engine } = await runtime.openEngine(
  { task: taskNameOf(config.examples), model, optimizer, train, seed, shapes },
  Number(limitMs),
);
await engine.initialize(seed);
const { weights } = await engine.readState();

await runtime.hangNextCall();
const say = (error: unknown): void => console.log(String(error), runtime.hangs());
await engine.takeGradients(new Float32Array(weights.length)).catch(say);
process.exit(1);
