import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { usedDeviceMemoryBytes } from '../device-memory.ts';
import { commonOptions, countOf, oneOf, text } from '../options.ts';
import { ownProgram, ProgramMissing, startProgram } from '../program.ts';
import { stepArguments, stepOptions, stepSettingOf } from '../step/step-options.ts';
import { stepWork } from '../step/step-setting.ts';
import { stepTasks } from '../step/step-task.ts';
import { summarize, type Summary } from '../summary.ts';

const passes = ['training', 'evaluation'] as const;
type Pass = (typeof passes)[number];
const torchModes = ['eager', 'compiled'] as const;
type TorchMode = (typeof torchModes)[number];

const help = `Usage: npx berth bench step-against-pytorch [options]

Trains the same model with berth and with PyTorch, in turns of a few steps, and prints the ratio of their speeds.

  --python PATH   a Python that has torch and transformers (default python3)
  --pytorch MODE  eager or compiled (torch.compile) (default eager)
  --task LIST     ${stepTasks.join(', ')} (default pretraining); several take turns with each other too
  --pass LIST     training, evaluation (default training): evaluation is a forward pass with loss and accuracy
  --model SIZE --precision P --optimizer O --threads N --batch N --seq N --predictions N --shortest RATIO --ranks N --device D
                  as berth bench step; PyTorch has the whole batch at once, however many ranks there are
  --turns N       turns of each (default 8)    --steps N    steps of a turn (default 4)
  --json          all figures

With --threads 1 the processor's time is a fair measure on a machine that does other work too: no thread spins.`;

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface Turn {
  readonly stepMs: number[];
  /** A step takes so much of all processors together. */
  readonly processorMs: number;
  readonly peakRssBytes: number;
  /** Most that tensors took of the GPU at once; only PyTorch tells. */
  readonly peakDeviceBytes?: number;
}

/** A program that runs steps when told to. */
interface Peer {
  readonly name: string;
  /** Its first step, in which it compiles. */
  readonly firstStepMs: number;
  /** What the GPU has in use more than before its first steps: pool and CUDA's context included; null without a GPU. */
  readonly deviceMemoryBytes: number | null;
  run(pass: Pass, count: number): Promise<Turn>;
  stop(): void;
}

/** Both peers at one task. */
interface Contest {
  readonly task: string;
  readonly setting: object;
  readonly pytorch: TorchMode;
  readonly torch: Peer;
  readonly berth: Peer;
}

/** What came of one pass of a task. Ratios: PyTorch's time over berth's. */
export interface Comparison {
  readonly task: string;
  readonly pass: Pass;
  readonly setting: object;
  readonly pytorch: TorchMode;
  readonly peers: readonly string[];
  readonly ratio: Summary;
  /** Of the time of all processors together. */
  readonly processorRatio: Summary;
  readonly torchMs: Summary;
  readonly berthMs: Summary;
  readonly peakRssBytes: { readonly torch: number; readonly berth: number };
  readonly firstStepMs: { readonly torch: number; readonly berth: number };
  readonly deviceMemoryBytes: { readonly torch: number | null; readonly berth: number | null };
  /** Most that PyTorch's tensors took of the GPU at once; TensorFlow does not tell that through its C library. */
  readonly torchTensorBytes: number | null;
  readonly turns: readonly TurnPair[];
}

interface TurnPair {
  readonly torch: Turn;
  readonly berth: Turn;
}

/** One that has run steps: peers start one after the other, so that what the GPU has in use more is theirs. */
async function startPeer(
  device: 'cpu' | 'gpu',
  command: string,
  args: readonly string[],
  setting?: object,
): Promise<Peer> {
  const before = usedDeviceMemoryBytes(device);
  const program = startProgram(command, args);
  const run: Peer['run'] = async (pass, count) =>
    (await program.ask(`${pass} ${count}`)) as unknown as Turn;
  try {
    const greeting = await program.ask(setting === undefined ? undefined : JSON.stringify(setting));
    const { stepMs } = await run('training', numFirstSteps);
    return {
      name: String(greeting['ready']),
      firstStepMs: stepMs[0] ?? Number.NaN,
      deviceMemoryBytes: before === null ? null : (usedDeviceMemoryBytes(device) ?? 0) - before,
      run,
      stop: () => program.stop(),
    };
  } catch (error) {
    program.stop();
    throw error;
  }
}

/** Until compilers have seen what they compile for, and pools of memory have grown. */
const numFirstSteps = 3;

interface Rival {
  readonly python: string;
  readonly pytorch: TorchMode;
}

type Values = Parameters<typeof stepArguments>[0];

async function startContest({ python, pytorch }: Rival, values: Values): Promise<Contest> {
  const setting = stepSettingOf(values);
  const { model, batch } = stepWork(setting);
  const columns = Object.entries(batch.columns).map(([name, column]) => [name, [...column]]);
  const torch = await startPeer(setting.device, python, [fileOf('../../src/peers/torch_step.py')], {
    ...setting,
    model,
    compiled: pytorch === 'compiled',
    batch: Object.fromEntries(columns),
  });
  try {
    const berth = await startPeer(setting.device, process.execPath, [
      ...ownProgram(fileOf('../step/step.js'), [...stepArguments(values), '--serve']),
    ]);
    return { task: setting.task, setting, pytorch, torch, berth };
  } catch (error) {
    torch.stop();
    throw error;
  }
}

/** In turns: first all contests once, then all again, so that noise of the machine hits all alike. */
async function compare(
  contests: readonly Contest[],
  wanted: readonly Pass[],
  { numTurns, numSteps }: { readonly numTurns: number; readonly numSteps: number },
): Promise<Comparison[]> {
  const rows = contests.flatMap((contest) =>
    wanted.map((pass) => ({ contest, pass, turns: [] as TurnPair[] })),
  );
  const warmUps = 1;
  for (let turn = 0; turn < warmUps + numTurns; turn++)
    for (const { contest, pass, turns } of rows) {
      const torch = await contest.torch.run(pass, numSteps);
      const berth = await contest.berth.run(pass, numSteps);
      if (turn >= warmUps) turns.push({ torch, berth });
    }
  return rows.map(({ contest, pass, turns }) => {
    const { task, setting, pytorch, torch, berth } = contest;
    const all = (measure: (pair: TurnPair) => number): Summary => summarize(turns.map(measure));
    const median = ({ stepMs }: Turn): number => summarize(stepMs).median;
    return {
      task,
      pass,
      setting,
      pytorch,
      peers: [torch.name, berth.name],
      ratio: all((pair) => median(pair.torch) / median(pair.berth)),
      processorRatio: all((pair) => pair.torch.processorMs / pair.berth.processorMs),
      torchMs: all((pair) => median(pair.torch)),
      berthMs: all((pair) => median(pair.berth)),
      peakRssBytes: {
        torch: turns.at(-1)!.torch.peakRssBytes,
        berth: turns.at(-1)!.berth.peakRssBytes,
      },
      firstStepMs: { torch: torch.firstStepMs, berth: berth.firstStepMs },
      deviceMemoryBytes: { torch: torch.deviceMemoryBytes, berth: berth.deviceMemoryBytes },
      torchTensorBytes: turns.at(-1)!.torch.peakDeviceBytes ?? null,
      turns,
    };
  });
}

function listOf<T extends string>(option: string, given: string, choices: readonly T[]): T[] {
  return given.split(',').map((value) => oneOf(option, value, choices));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      python: text('python3'),
      pytorch: text('eager'),
      pass: text('training'),
      ...stepOptions,
      turns: text('8'),
      steps: text('4'),
      ...commonOptions,
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const taskNames = listOf('task', values.task, stepTasks);
  const wanted = listOf('pass', values.pass, passes);
  const numTurns = countOf('turns', values.turns);
  const numSteps = countOf('steps', values.steps);
  const pytorch = oneOf('pytorch', values.pytorch, torchModes);
  const contests: Contest[] = [];
  try {
    for (const task of taskNames)
      contests.push(await startContest({ python: values.python, pytorch }, { ...values, task }));
    const comparisons = await compare(contests, wanted, { numTurns, numSteps });
    if (values.json) console.log(JSON.stringify(comparisons, null, 2));
    else print(comparisons, values, { numTurns, numSteps });
  } finally {
    for (const { torch, berth } of contests) for (const peer of [torch, berth]) peer.stop();
  }
}

function print(
  comparisons: readonly Comparison[],
  { model, precision, optimizer, batch, seq, shortest, threads }: Values,
  { numTurns, numSteps }: { readonly numTurns: number; readonly numSteps: number },
): void {
  const shape = `${batch} x ${seq}${Number(shortest) === 1 ? '' : `, the shortest ${shortest} of that`}`;
  console.log(
    `${model} ${precision} ${optimizer}, ${shape}, ${threads} threads, ${numTurns} turns of ${numSteps} steps`,
  );
  const range = ({ median, low, high }: Summary, digits: number): string =>
    `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
  for (const { task, pass, peers, torchMs, berthMs, ratio, processorRatio } of comparisons) {
    console.log(`${task}, ${pass}`);
    console.log(`  ${peers[0]!.padEnd(48)} ${range(torchMs, 0)} ms`);
    console.log(`  ${peers[1]!.padEnd(48)} ${range(berthMs, 0)} ms`);
    console.log(
      `  ratio ${range(ratio, 2)}, of the processors' time ${range(processorRatio, 2)}; median and middle half`,
    );
  }
}

main().catch((error: unknown) => {
  if (error instanceof ProgramMissing)
    console.error(
      `PyTorch is not installed (${error.message}); pip install torch transformers, and name that Python with --python`,
    );
  else console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
