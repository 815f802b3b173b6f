import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commonOptions, text } from '../options.ts';
import { stepArguments, stepOptions, stepSettingOf } from '../step/step-options.ts';
import { stepWork } from '../step/step-setting.ts';
import { ownProgram, ProgramMissing, startProgram } from '../program.ts';
import { summarize } from '../summary.ts';

const help = `Usage: npx berth bench step-against-pytorch [options]

Trains the same model with berth and with PyTorch, in turns of a few steps, and prints the ratio of their speeds.

  --python PATH   a Python that has torch and transformers (default python3)
  --model SIZE --precision P --optimizer O --threads N --batch N --seq N --predictions N --shortest RATIO --device D
                  as berth bench step
  --turns N       turns of each (default 8)    --steps N    steps of a turn (default 4)
  --json          all figures`;

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A program that runs steps when told to. */
interface Peer {
  readonly name: string;
  steps(count: number): Promise<{ stepMs: number[]; peakRssBytes: number }>;
  stop(): void;
}

async function startPeer(
  command: string,
  args: readonly string[],
  setting?: object,
): Promise<Peer> {
  const program = startProgram(command, args);
  const greeting = await program.ask(setting === undefined ? undefined : JSON.stringify(setting));
  return {
    name: String(greeting['ready']),
    steps: async (count) =>
      (await program.ask(String(count))) as unknown as { stepMs: number[]; peakRssBytes: number },
    stop: () => program.stop(),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      python: text('python3'),
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
  const setting = stepSettingOf(values);
  const { model, batch } = stepWork(setting);
  const columns = Object.entries(batch.columns).map(([name, column]) => [name, [...column]]);
  const torch = await startPeer(values.python, [fileOf('../../src/peers/torch_step.py')], {
    ...setting,
    model,
    batch: Object.fromEntries(columns),
  });
  const berth = await startPeer(process.execPath, [
    ...ownProgram(fileOf('../step/step.js'), [...stepArguments(values), '--serve']),
  ]);
  for (const peer of [torch, berth]) await peer.steps(2);
  const turns: { torchMs: number; berthMs: number; ratio: number }[] = [];
  const peaks = { torch: 0, berth: 0 };
  for (let turn = 0; turn < Number(values.turns); turn++) {
    const theirs = await torch.steps(Number(values.steps));
    const ours = await berth.steps(Number(values.steps));
    const torchMs = summarize(theirs.stepMs).median;
    const berthMs = summarize(ours.stepMs).median;
    turns.push({ torchMs, berthMs, ratio: torchMs / berthMs });
    peaks.torch = theirs.peakRssBytes;
    peaks.berth = ours.peakRssBytes;
  }
  for (const peer of [torch, berth]) peer.stop();
  const report = {
    setting,
    peers: [torch.name, berth.name],
    ratio: summarize(turns.map(({ ratio }) => ratio)),
    torchMs: summarize(turns.map(({ torchMs }) => torchMs)),
    berthMs: summarize(turns.map(({ berthMs }) => berthMs)),
    peakRssBytes: peaks,
    turns,
  };
  if (values.json) {
    console.log(JSON.stringify(report, null, 2));
    return;
  }
  const { ratio, torchMs, berthMs } = report;
  console.log(
    `${values.model} ${values.precision} ${values.optimizer}, ${values.batch} x ${values.seq}, ${values.turns} turns of ${values.steps} steps`,
  );
  console.log(
    `${torch.name.padEnd(50)} ${torchMs.median.toFixed(0)} ms (${torchMs.low.toFixed(0)} to ${torchMs.high.toFixed(0)})`,
  );
  console.log(
    `${berth.name.padEnd(50)} ${berthMs.median.toFixed(0)} ms (${berthMs.low.toFixed(0)} to ${berthMs.high.toFixed(0)})`,
  );
  console.log(
    `ratio ${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}), median and middle half`,
  );
}

main().catch((error: unknown) => {
  if (error instanceof ProgramMissing)
    console.error(
      `PyTorch is not installed (${error.message}); pip install torch transformers, and name that Python with --python`,
    );
  else console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
