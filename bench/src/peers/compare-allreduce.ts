import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  allReduceOptions,
  allReduceSetting,
  askAll,
  machine,
  slowest,
  startBerth,
  vectorLengthOf,
  type AllReduceCluster,
  type AllReduceSetting,
} from '../collectives/allreduce.ts';
import { freePort } from '@berth/launch';
import { commonOptions, text } from '../options.ts';
import { ProgramMissing, startProgram } from '../program.ts';
import { summarize, type Summary } from '../summary.ts';

const help = `Usage: npx berth bench allreduce-against-gloo [options]

Sums the same vector with berth and with Gloo through torch.distributed, in turns of a few rounds, each with a process per
member on loopback, and prints the ratio of their speeds.

  --python PATH   a Python that has torch (default python3)
  --workers N --mb N --dtype D --sockets    as berth bench allreduce; Gloo's is always fp32
  --turns N       turns of each (default 8)    --rounds N    rounds of a turn (default 3)
  --json          all figures`;

const torchProgram = fileURLToPath(new URL('../../src/peers/torch_allreduce.py', import.meta.url));

async function startGloo(
  python: string,
  { numWorkers, mb }: AllReduceSetting,
): Promise<AllReduceCluster & { readonly name: string }> {
  const port = String(await freePort());
  const programs = Array.from({ length: numWorkers }, (_, rank) =>
    startProgram(
      python,
      [torchProgram, String(rank), String(numWorkers), port, String(vectorLengthOf(mb))],
      { GLOO_SOCKET_IFNAME: 'lo' },
    ),
  );
  const [greeting] = await askAll(programs);
  return {
    name: String(greeting?.['ready']),
    async rounds(count) {
      const answers = await askAll(programs, String(count));
      return slowest(answers.map(({ timesMs }) => timesMs as number[]));
    },
    stop: () => programs.forEach((program) => program.stop()),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      python: text('python3'),
      ...allReduceOptions,
      turns: text('8'),
      rounds: text('3'),
      ...commonOptions,
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const setting = allReduceSetting(values);
  const gloo = await startGloo(values.python, setting);
  const berth = await startBerth(setting);
  const turns: { glooMs: number; berthMs: number; ratio: number }[] = [];
  for (const peer of [gloo, berth]) await peer.rounds(2);
  for (let turn = 0; turn < Number(values.turns); turn++) {
    const glooMs = summarize(await gloo.rounds(Number(values.rounds))).median;
    const berthMs = summarize(await berth.rounds(Number(values.rounds))).median;
    turns.push({ glooMs, berthMs, ratio: glooMs / berthMs });
  }
  for (const peer of [gloo, berth]) peer.stop();
  const report = {
    setting,
    machine: machine(),
    gloo: gloo.name,
    ratio: summarize(turns.map(({ ratio }) => ratio)),
    glooMs: summarize(turns.map(({ glooMs }) => glooMs)),
    berthMs: summarize(turns.map(({ berthMs }) => berthMs)),
    turns,
  };
  if (values.json) {
    console.log(JSON.stringify(report, null, 2));
    return;
  }
  const line = ({ median, low, high }: Summary, digits: number): string =>
    `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
  console.log(`${setting.mb} MB over ${setting.numWorkers} members, ${report.machine}`);
  console.log(`${gloo.name.padEnd(32)} ${line(report.glooMs, 0)} ms`);
  console.log(`${`berth, ${setting.dtype}`.padEnd(32)} ${line(report.berthMs, 0)} ms`);
  console.log(`ratio ${line(report.ratio, 2)}, median and middle half of ${turns.length} turns`);
}

main().catch((error: unknown) => {
  if (error instanceof ProgramMissing)
    console.error(
      `PyTorch is not installed (${error.message}); pip install torch, and name that Python with --python`,
    );
  else console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
