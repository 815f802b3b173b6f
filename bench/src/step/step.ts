import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modelSizeNames, numStateSlices, type TrainingEngine } from '@berth/contracts';
import { startTensorFlow, type TensorFlow } from '@berth/graph';
import {
  createEagerEngine,
  createGraphEngine,
  taskModels,
  trainingFlopsPerStep,
  type GraphEngine,
} from '@berth/model';
import { measureCeiling } from './matmul-ceiling.ts';
import { commonOptions, flag, oneOf, text } from '../options.ts';
import { stepOptions, stepSettingOf } from './step-options.ts';
import { stepWork, type StepSetting } from './step-setting.ts';
import { summarize, type Summary } from '../summary.ts';

/** Milliseconds of one step, by phase. */
export interface StepTimes {
  /** Forward and backward. */
  readonly gradientMs: number;
  /** Norm, clipping and update. */
  readonly applyMs: number;
}

export interface StepReport {
  readonly setting: StepSetting;
  readonly tensorflow: string;
  readonly device: string;
  readonly kernels: string;
  /** Graph built, written and loaded. */
  readonly loadMs: number;
  /** The first step, in which TensorFlow compiles the blocks. */
  readonly firstStepMs: number;
  readonly stepMs: Summary;
  readonly gradientMs: Summary;
  readonly applyMs: Summary;
  /** The flat gradient with its step sums, from variables to shared memory; null for the eager engine. */
  readonly readGradientMs: Summary | null;
  /** The digest of a slice of the state, which every vote of several members carries; made between the steps measured. */
  readonly stateDigestMs: Summary;
  readonly tokensPerSecond: number;
  readonly matmulGflops: number;
  /** Of a large square product in the same precision on this machine. */
  readonly ceilingGflops: number;
  readonly ceilingShare: number;
  readonly peakRssBytes: number;
  /** After a tenth of the steps and after all of them: what grows is a leak. */
  readonly memory: readonly MemoryMark[];
}

export interface MemoryMark {
  readonly numSteps: number;
  readonly rssBytes: number;
  /** Tensors that TensorFlow holds for this thread. */
  readonly numTensors: number;
}

/** A step that can be run again and again. */
export interface StepRunner {
  readonly tensorFlow: TensorFlow;
  readonly engine: TrainingEngine;
  readonly loadMs: number;
  run(): StepTimes;
}

export function stepRunner(setting: StepSetting): StepRunner {
  const tensorFlow = startTensorFlow({ numThreads: setting.numThreads, device: setting.device });
  const work = stepWork(setting);
  const { model, optimizer } = work;
  const start = performance.now();
  const common = { task: taskModels.pretraining, model, optimizer, seed: 1 } as const;
  const train = { numSteps: 1_000_000, virtualRanks: 1 };
  const engine =
    setting.engine === 'graph'
      ? createGraphEngine({
          ...common,
          tensorFlow,
          train,
          precision: setting.precision,
          shape: work.shape,
        })
      : createEagerEngine({ ...common, train, precision: 'fp32' });
  const loadMs = performance.now() - start;
  engine.initialize(1);
  let step = 0;
  return {
    tensorFlow,
    engine,
    loadMs,
    run() {
      const request = work.request(step++);
      const from = performance.now();
      if (!holdsGradients(engine)) {
        const flat = engine.computeGradients(request);
        const middle = performance.now();
        engine.applyGradients(flat);
        return { gradientMs: middle - from, applyMs: performance.now() - middle };
      }
      engine.holdGradients(request);
      const middle = performance.now();
      engine.applyHeldGradients();
      return { gradientMs: middle - from, applyMs: performance.now() - middle };
    },
  };
}

/** Times whole training steps after a warm-up. */
export function measureStep(setting: StepSetting, numSteps: number): StepReport {
  const runner = stepRunner(setting);
  const { tensorFlow, engine } = runner;
  const first = runner.run();
  runner.run();
  engine.stateDigest(0);
  const memory: MemoryMark[] = [];
  const digestMs: number[] = [];
  const times = Array.from({ length: numSteps }, (_, index) => {
    const time = runner.run();
    const start = performance.now();
    engine.stateDigest(index % numStateSlices);
    digestMs.push(performance.now() - start);
    const done = index + 1;
    if (done === Math.ceil(numSteps / 10) || done === numSteps)
      memory.push({
        numSteps: done,
        rssBytes: process.memoryUsage.rss(),
        numTensors: tensorFlow.numTensors(),
      });
    return time;
  });
  const stepMs = summarize(times.map(({ gradientMs, applyMs }) => gradientMs + applyMs));
  const { model } = stepWork(setting);
  const matmulGflops =
    trainingFlopsPerStep(model, setting, setting.batchSize) / stepMs.median / 1e6;
  const readGradientMs = holdsGradients(engine) ? timeReading(engine) : null;
  const ceilingGflops = measureCeiling(tensorFlow, setting.precision);
  engine.dispose();
  return {
    setting,
    tensorflow: tensorFlow.version,
    device: tensorFlow.device,
    kernels: tensorFlow.kernels,
    loadMs: runner.loadMs,
    firstStepMs: first.gradientMs + first.applyMs,
    stepMs,
    gradientMs: summarize(times.map(({ gradientMs }) => gradientMs)),
    applyMs: summarize(times.map(({ applyMs }) => applyMs)),
    readGradientMs,
    stateDigestMs: summarize(digestMs),
    tokensPerSecond: (setting.batchSize * setting.maxSeqLength * 1000) / stepMs.median,
    matmulGflops,
    ceilingGflops,
    ceilingShare: matmulGflops / ceilingGflops,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    memory,
  };
}

function holdsGradients(engine: TrainingEngine): engine is GraphEngine {
  return 'holdGradients' in engine;
}

/** What sharing costs: laying the gradient end to end in memory that other threads see. */
function timeReading(engine: GraphEngine): Summary {
  const numBytes =
    (engine.numParameters + engine.task.sums.length) * Float32Array.BYTES_PER_ELEMENT;
  const target = new Float32Array(new SharedArrayBuffer(numBytes));
  engine.readHeldGradients(target);
  return summarize(
    Array.from({ length: 5 }, () => {
      const start = performance.now();
      engine.readHeldGradients(target);
      return performance.now() - start;
    }),
  );
}

const help = `Usage: npx berth bench step [options]

  --model SIZE        ${modelSizeNames.join(', ')} (default mini)
  --precision P       fp32 or bf16 (default fp32)
  --engine E          graph or eager (default graph)
  --optimizer O       adamw or lamb (default adamw)
  --device D          cpu or gpu (default cpu)
  --threads N         TensorFlow's threads (default 2)
  --batch N --seq N --predictions N    default 8, 128, 20
  --shortest RATIO    tokens of the shortest example, of the longest (default 1: no padding)
  --steps N           measured steps (default 10)
  --json              the whole report
  --serve             run as many steps as each line of stdin says, for compare-step.ts`;

function main(): void {
  const { values } = parseArgs({
    options: {
      ...stepOptions,
      engine: text('graph'),
      steps: text('10'),
      serve: flag,
      ...commonOptions,
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const engine = oneOf('engine', values.engine, ['graph', 'eager']);
  const setting: StepSetting = { ...stepSettingOf(values), engine };
  if (values.serve) serve(setting);
  else print(measureStep(setting, Number(values.steps)), values.json);
}

function serve(setting: StepSetting): void {
  const runner = stepRunner(setting);
  say({ ready: `berth on TensorFlow ${runner.tensorFlow.version}, ${runner.tensorFlow.kernels}` });
  createInterface({ input: process.stdin }).on('line', (line) => {
    const times = Array.from({ length: Number(line) }, () => runner.run());
    const stepMs = times.map(({ gradientMs, applyMs }) => gradientMs + applyMs);
    say({ stepMs, peakRssBytes: process.resourceUsage().maxRSS * 1024 });
  });
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function print(report: StepReport, asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify(report, null, 2));
    return;
  }
  const { setting, stepMs, gradientMs, applyMs } = report;
  const ms = ({ median, low, high }: Summary): string =>
    `${median.toFixed(0)} ms (${low.toFixed(0)} to ${high.toFixed(0)})`;
  console.log(
    `${setting.size} ${setting.precision} ${setting.engine}, ${setting.batchSize} x ${setting.maxSeqLength}`,
  );
  console.log(`step      ${ms(stepMs)} = ${report.tokensPerSecond.toFixed(0)} tokens/s`);
  console.log(`gradient  ${ms(gradientMs)}`);
  console.log(`apply     ${ms(applyMs)}`);
  console.log(`first     ${report.firstStepMs.toFixed(0)} ms, load ${report.loadMs.toFixed(0)} ms`);
  console.log(
    `matmuls   ${report.matmulGflops.toFixed(0)} of ${report.ceilingGflops.toFixed(0)} GFLOP/s = ` +
      `${(100 * report.ceilingShare).toFixed(0)} %`,
  );
  if (report.readGradientMs !== null) console.log(`read out  ${ms(report.readGradientMs)}`);
  const { low, median, high } = report.stateDigestMs;
  console.log(
    `digest    ${median.toFixed(1)} ms (${low.toFixed(1)} to ${high.toFixed(1)}) of a slice of the state = ` +
      `${((100 * median) / stepMs.median).toFixed(2)} % of a step`,
  );
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  console.log(`peak RSS  ${mib(report.peakRssBytes)}`);
  for (const { numSteps, rssBytes, numTensors } of report.memory)
    console.log(`memory    ${mib(rssBytes)}, ${numTensors} tensors after ${numSteps} steps`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
