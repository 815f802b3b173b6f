import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modelSizeNames, numStateSlices, type FineTuning } from '@berth/contracts';
import { trainingFlopsPerStep, type GraphEngine } from '@berth/model';
import { usedDeviceMemoryBytes } from '../device-memory.ts';
import { measureCeiling } from './matmul-ceiling.ts';
import { commonOptions, countOf, flag, oneOf, text } from '../options.ts';
import { printProfile, profileStep } from './profile.ts';
import { stepOptions, stepSettingOf } from './step-options.ts';
import { holdsGradients, stepRunner } from './step-runner.ts';
import { stepWork, type StepSetting } from './step-setting.ts';
import { fineTuningOf, stepTasks } from './step-task.ts';
import { summarize, type Summary } from '../summary.ts';

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
  /** A forward pass with the task's sums, as evaluations have it. */
  readonly evaluationMs: Summary;
  /** From stored examples to the batches of a step; null for pre-training, whose examples are made of documents. */
  readonly examplesMs: Summary | null;
  readonly tokensPerSecond: number;
  readonly matmulGflops: number;
  /** Of a large square product in the same precision on this machine. */
  readonly ceilingGflops: number;
  readonly ceilingShare: number;
  readonly peakRssBytes: number;
  /** What the GPU has in use more than before, its pool of memory and CUDA's context included; null without a GPU. */
  readonly deviceMemoryBytes: number | null;
  /** After a tenth of the steps and after all of them: what grows is a leak. */
  readonly memory: readonly MemoryMark[];
}

export interface MemoryMark {
  readonly numSteps: number;
  readonly rssBytes: number;
  /** Tensors that TensorFlow holds for this thread. */
  readonly numTensors: number;
}

/** Times whole training steps after a warm-up. */
export async function measureStep(setting: StepSetting, numSteps: number): Promise<StepReport> {
  const memoryBefore = usedDeviceMemoryBytes(setting.device);
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
  runner.evaluate();
  const evaluationMs = summarize(Array.from({ length: numSteps }, () => runner.evaluate()));
  const memoryAfter = usedDeviceMemoryBytes(setting.device);
  const fineTuning = fineTuningOf(setting.task);
  const matmulGflops = flopsOf(setting) / stepMs.median / 1e6;
  const readGradientMs = holdsGradients(engine) ? timeReading(engine) : null;
  const ceilingGflops = measureCeiling(tensorFlow, setting);
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
    evaluationMs,
    examplesMs: fineTuning === undefined ? null : await timeExamples(fineTuning, setting),
    tokensPerSecond: (setting.batchSize * setting.maxSeqLength * 1000) / stepMs.median,
    matmulGflops,
    ceilingGflops,
    ceilingShare: matmulGflops / ceilingGflops,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    deviceMemoryBytes: memoryBefore === null ? null : (memoryAfter ?? 0) - memoryBefore,
    memory,
  };
}

/** Of the matrix products of a step. */
export function flopsOf(setting: StepSetting): number {
  // The heads of fine-tunings are as small as that of a pair of sentences.
  const sizes =
    fineTuningOf(setting.task) === undefined ? setting : { ...setting, maxPredictions: 0 };
  return trainingFlopsPerStep(stepWork(setting).model, sizes, setting.batchSize);
}

/** Loaded only when asked for, since it needs the readers of data and a bucket. */
async function timeExamples(task: FineTuning, setting: StepSetting): Promise<Summary> {
  const { exampleTimes } = await import('./example-times.ts');
  return exampleTimes(task, setting);
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

  --task TASK         ${stepTasks.join(', ')} (default pretraining)
  --model SIZE        ${modelSizeNames.join(', ')} (default mini)
  --precision P       fp32, bf16, or with a GPU tf32: fp32 whose products are rounded (default fp32)
  --engine E          graph or eager (default graph)
  --optimizer O       adamw or lamb (default adamw)
  --device D          cpu or gpu (default cpu)
  --threads N         TensorFlow's threads (default 2)
  --batch N --seq N --predictions N    default 8, 128, 20
  --ranks N           virtual ranks that the batch is divided among (default 1)
  --shortest RATIO    tokens of the shortest example, of the longest (default 1: no padding)
  --steps N           measured steps (default 10)
  --json              the whole report
  --profile           where the time of a step goes: steps of models that lack a part, in turns with whole ones; pretraining only
  --serve             do what each line of stdin says, for compare-step.ts`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...stepOptions,
      engine: text('graph'),
      steps: text('10'),
      profile: flag,
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
  else if (values.profile) {
    const profile = profileStep(setting, countOf('steps', values.steps));
    if (values.json) console.log(JSON.stringify(profile, null, 2));
    else printProfile(profile);
  } else print(await measureStep(setting, Number(values.steps)), values.json);
}

/** Answers `training N` and `evaluation N` with the times of so many. */
function serve(setting: StepSetting): void {
  const runner = stepRunner(setting);
  say({ ready: `berth on TensorFlow ${runner.tensorFlow.version}, ${runner.tensorFlow.kernels}` });
  const timed = {
    training: () => {
      const { gradientMs, applyMs } = runner.run();
      return gradientMs + applyMs;
    },
    evaluation: () => runner.evaluate(),
  };
  createInterface({ input: process.stdin }).on('line', (line) => {
    const [pass, count] = line.split(' ') as [keyof typeof timed, string];
    const before = process.cpuUsage();
    const stepMs = Array.from({ length: Number(count) }, timed[pass]);
    const { user, system } = process.cpuUsage(before);
    const processorMs = (user + system) / 1000 / stepMs.length;
    say({ stepMs, processorMs, peakRssBytes: process.resourceUsage().maxRSS * 1024 });
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
    `${setting.task} ${setting.size} ${setting.precision} ${setting.engine}, ${setting.batchSize} x ${setting.maxSeqLength}`,
  );
  console.log(`step      ${ms(stepMs)} = ${report.tokensPerSecond.toFixed(0)} tokens/s`);
  console.log(`gradient  ${ms(gradientMs)}`);
  console.log(`apply     ${ms(applyMs)}`);
  console.log(`evaluate  ${ms(report.evaluationMs)}`);
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
  if (report.examplesMs !== null)
    console.log(
      `examples  ${report.examplesMs.median.toFixed(2)} ms to read a step's from their shards = ` +
        `${((100 * report.examplesMs.median) / stepMs.median).toFixed(2)} % of a step`,
    );
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  console.log(`peak RSS  ${mib(report.peakRssBytes)}`);
  if (report.deviceMemoryBytes !== null)
    console.log(`GPU       ${mib(report.deviceMemoryBytes)} more in use than before`);
  for (const { numSteps, rssBytes, numTensors } of report.memory)
    console.log(`memory    ${mib(rssBytes)}, ${numTensors} tensors after ${numSteps} steps`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
