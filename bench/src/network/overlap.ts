import { randomBytes } from 'node:crypto';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { lowestMs, trafficOf, type NetworkLimits } from '@berth/collectives';
import { allReduceDtypes, modelSizeNames, type View } from '@berth/contracts';
import { createHosts, type Hosts } from '@berth/faults';
import { askAll, machine, numExact } from '../collectives/allreduce.ts';
import { benchView } from '../collectives/bench-view.ts';
import { commonOptions, countOf, flag, oneOf, text } from '../options.ts';
import { ownProgram, startProgram } from '../program.ts';
import { summarize, type Summary } from '../summary.ts';
import { goInside } from './inside.ts';
import type { OverlapMember, OverlapSetting, StepOrder, StepReport } from './overlap-setting.ts';

const numWarmUp = 1;

const help = `Usage: npx berth bench overlap [options]

Makes steps of members that are on hosts of their own, network namespaces with bandwidth and delay: each computes a gradient, and
all sum it; nothing is updated. In turns they begin to sum when all is computed, and while they compute. What is measured is the
standstill: from when the last member has computed its gradient until all have the sum. The hosts share the processors of this
machine, so computing takes longer than on hosts of their own, and hides more.

  --model M       ${modelSizeNames.join(', ')} (default base)
  --dtype D       fp32 or bf16: what travels (default fp32)
  --workers N     hosts, one member each, a power of two (default 2)
  --batch N       examples of a member (default 8)
  --seq N         tokens of an example (default 128)
  --threads N     of TensorFlow, in each member (default 1)
  --mbit N        what each host sends and receives at most, in Mbit/s (default 1000)
  --delay N       one way from a host to another, in ms (default 10)
  --rounds N      measured steps of each kind, after ${numWarmUp} that is not (default 5)
  --json          every figure

It takes Linux, root or user namespaces, ip, tc, iptables and gcc.`;

const { values } = parseArgs({
  options: {
    model: text('base'),
    dtype: text('fp32'),
    workers: text('2'),
    batch: text('8'),
    seq: text('128'),
    threads: text('1'),
    mbit: text('1000'),
    delay: text('10'),
    rounds: text('5'),
    inside: flag,
    ...commonOptions,
  },
});

/** Steps of one kind. */
interface Steps {
  readonly standstillMs: number[];
  readonly wholeMs: number[];
  /** Of all members together. */
  readonly cpuMs: number[];
}

interface Cluster {
  readonly view: View;
  readonly vectorLength: number;
  step(isOverlapped: boolean): Promise<StepReport[]>;
  stop(): void;
}

if (values.help) console.log(help);
else if (values.inside) await measure();
else await goInside(fileURLToPath(import.meta.url));

async function measure(): Promise<void> {
  const limits = { bitsPerSecond: Number(values.mbit) * 1e6, oneWayMs: Number(values.delay) };
  const setting: OverlapSetting = {
    model: oneOf('model', values.model, modelSizeNames),
    dtype: oneOf('dtype', values.dtype, allReduceDtypes),
    numWorkers: countOf('workers', values.workers),
    batchSize: countOf('batch', values.batch),
    maxSeqLength: countOf('seq', values.seq),
    numThreads: countOf('threads', values.threads),
  };
  const network = await createHosts({
    numHosts: setting.numWorkers,
    bitsPerSecond: limits.bitsPerSecond,
    delayMs: limits.oneWayMs,
  });
  const cluster = await startCluster(setting, network);
  const steps: Record<'after' | 'during', Steps> = { after: noSteps(), during: noSteps() };
  let numLast = 0;
  const digests = new Set<string>();
  for (let round = 0; round < numWarmUp + countOf('rounds', values.rounds); round++) {
    for (const isOverlapped of round % 2 === 0 ? [false, true] : [true, false]) {
      const reports = await cluster.step(isOverlapped);
      for (const { digest } of reports) digests.add(digest);
      if (isOverlapped) numLast = reports[0]?.numLast ?? 0;
      if (round >= numWarmUp) note(steps[isOverlapped ? 'during' : 'after'], reports);
    }
  }
  cluster.stop();
  // The gradient is always the same.
  if (digests.size !== 1) throw new Error(`sums differ: ${[...digests].join(', ')}`);
  report({ setting, limits, cluster, steps, numLast });
  // What delays packets would keep it.
  process.exit(0);
}

function noSteps(): Steps {
  return { standstillMs: [], wholeMs: [], cpuMs: [] };
}

function note(steps: Steps, reports: readonly StepReport[]): void {
  const summedMs = Math.max(...reports.map((one) => one.summedMs));
  steps.standstillMs.push(summedMs - Math.max(...reports.map(({ computedMs }) => computedMs)));
  steps.wholeMs.push(summedMs - Math.min(...reports.map(({ beganMs }) => beganMs)));
  steps.cpuMs.push(reports.reduce((sum, { cpuMs }) => sum + cpuMs, 0));
}

async function startCluster(setting: OverlapSetting, { hosts }: Hosts): Promise<Cluster> {
  const memberIds = Array.from({ length: setting.numWorkers }, (_, index) => `member-${index}`);
  const program = fileURLToPath(new URL('./overlap-member.js', import.meta.url));
  const secret = randomBytes(32).toString('hex');
  const programs = memberIds.map((memberId, rank) => {
    const place = hosts[rank]!;
    const member: OverlapMember = { ...setting, memberId, rank, host: place.address };
    const args = ownProgram(program, [JSON.stringify(member)]);
    return startProgram(...place.command(process.execPath, args), { BERTH_SECRET: secret });
  });
  const greetings = await askAll(programs);
  const view = benchView(memberIds, setting.numWorkers, greetings);
  await askAll(programs, JSON.stringify(view));
  let step = 0;
  const spentMs = new Map<number, number>();
  return {
    view,
    vectorLength: Number(greetings[0]?.['numParameters']) + numExact,
    async step(isOverlapped) {
      const order: StepOrder = { step: step++, isOverlapped };
      const reports = (await askAll(programs, JSON.stringify(order))) as unknown as StepReport[];
      return reports.map((one, index) => {
        const cpuMs = one.cpuMs - (spentMs.get(index) ?? 0);
        spentMs.set(index, one.cpuMs);
        return { ...one, cpuMs };
      });
    },
    stop: () => programs.forEach((one) => one.stop()),
  };
}

interface Outcome {
  readonly setting: OverlapSetting;
  readonly limits: NetworkLimits;
  readonly cluster: Cluster;
  readonly steps: Readonly<Record<'after' | 'during', Steps>>;
  readonly numLast: number;
}

function report({ setting, limits, cluster, steps, numLast }: Outcome): void {
  const { model, dtype, numWorkers } = setting;
  const boundMs = (length: number): number =>
    lowestMs(trafficOf(cluster.view, { dtype, length, numExact: 0 }), limits);
  const bounds = { wholeMs: boundMs(cluster.vectorLength), lastMs: boundMs(numLast) };
  const of = (kind: keyof typeof steps) => ({
    standstillMs: summarize(steps[kind].standstillMs),
    wholeMs: summarize(steps[kind].wholeMs),
    cpuMs: summarize(steps[kind].cpuMs),
  });
  const [after, during] = [of('after'), of('during')];
  const load = loadavg()[0]?.toFixed(1);
  if (values.json) {
    const figures = { setting, machine: machine(), load, limits, bounds, after, during, steps };
    console.log(JSON.stringify(figures, null, 2));
    return;
  }
  const line = (name: string, { standstillMs, wholeMs, cpuMs }: typeof after): string =>
    `  ${name}: standstill ${rangeOf(standstillMs)}, step ${rangeOf(wholeMs)}, processors ${cpuMs.median.toFixed(0)} ms in all`;
  console.log(
    [
      `${model}, ${dtype} over ${numWorkers} at ${values.mbit} Mbit/s and ${values.delay} ms one way:`,
      line('summed after computing ', after),
      line('summed while computing ', during),
      `  the network takes at least ${bounds.wholeMs.toFixed(0)} ms for the sum, ${bounds.lastMs.toFixed(0)} ms for what is computed last`,
      `  medians with the middle half, in turns; all hosts on ${machine()}, load ${load}`,
    ].join('\n'),
  );
}

function rangeOf({ median, low, high }: Summary): string {
  return `${median.toFixed(0)} ms (${low.toFixed(0)} to ${high.toFixed(0)})`;
}
