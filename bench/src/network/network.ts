import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createHosts, type Host, type Hosts } from '@berth/faults';
import { lowestMs, trafficOf, type NetworkLimits } from '@berth/collectives';
import {
  allReduceDtypes,
  modelSectionSchema,
  modelSizeNames,
  resolveModelConfig,
  type AllReduceDtype,
} from '@berth/contracts';
import { countParameters } from '@berth/model';
import { machine, numExact, startBerth, vectorLengthOf } from '../collectives/allreduce.ts';
import { commonOptions, countOf, flag, oneOf, text } from '../options.ts';
import { summarize, type Summary } from '../summary.ts';
import { goInside } from './inside.ts';

type ModelSize = (typeof modelSizeNames)[number];

interface Setting {
  readonly model: ModelSize;
  readonly dtype: AllReduceDtype;
  readonly numWorkers: number;
}

/** One row of the table. */
interface Measured extends Setting {
  /** Of fp32 gradient. */
  readonly gradientBytes: number;
  /** What the member that sends most sends. */
  readonly sentBytes: number;
  readonly boundMs: number;
  /** Of an all-reduce, of its slowest member. */
  readonly ms: Summary;
  /** Processor time of all members together. */
  readonly cpuMs: Summary;
}

const vocabSize = 30_522;
const numWarmUp = 2;

const help = `Usage: npx berth bench network [options]

Sums gradients over members that are on hosts of their own: network namespaces around a router with bandwidth and delay, on
this machine. Beside what was measured stands what the network allows at best, computed from the bytes that a member sends
and receives. Computing is not part of it: the hosts share the processors of this machine.

  --model LIST    ${modelSizeNames.join(', ')} (default tiny,small)
  --dtype LIST    fp32, bf16 (default both)
  --workers LIST  hosts, one member each (default 2,4)
  --mbit N        what each host sends and receives at most, in Mbit/s (default 1000)
  --delay N       one way from a host to another, in ms (default 10)
  --rounds N      measured rounds, after ${numWarmUp} that are not (default 5)
  --idle N        ms between rounds, as the computing of a step has them (default 0)
  --keep-window   the kernel does not begin slowly again after a pause: net.ipv4.tcp_slow_start_after_idle=0
  --json          every figure

It takes Linux, root or user namespaces, ip, tc, iptables and gcc.`;

const { values } = parseArgs({
  options: {
    model: text('tiny,small'),
    dtype: text('fp32,bf16'),
    workers: text('2,4'),
    mbit: text('1000'),
    delay: text('10'),
    rounds: text('5'),
    idle: text('0'),
    'keep-window': flag,
    inside: flag,
    ...commonOptions,
  },
});

if (values.help) console.log(help);
else if (values.inside) await measureAll();
else await goInside(fileURLToPath(import.meta.url));

async function measureAll(): Promise<void> {
  const limits = { bitsPerSecond: numberOf('mbit') * 1e6, oneWayMs: numberOf('delay') };
  const numRounds = countOf('rounds', values.rounds);
  const numsWorkers = values.workers.split(',').map((value) => countOf('workers', value));
  const settings = values.model.split(',').flatMap((model) =>
    values.dtype.split(',').flatMap((dtype) =>
      numsWorkers.map((numWorkers) => ({
        model: oneOf('model', model, modelSizeNames),
        dtype: oneOf('dtype', dtype, allReduceDtypes),
        numWorkers,
      })),
    ),
  );
  const network = await createHosts({
    numHosts: Math.max(...numsWorkers),
    bitsPerSecond: limits.bitsPerSecond,
    delayMs: limits.oneWayMs,
  });
  if (values['keep-window']) for (const host of network.hosts) keepWindow(host);
  const rows: Measured[] = [];
  for (const setting of settings) {
    const row = await measure(setting, network, limits, numRounds);
    rows.push(row);
    if (!values.json) console.log(lineOf(row));
  }
  const load = loadavg()[0]?.toFixed(1);
  if (values.json) console.log(JSON.stringify({ machine: machine(), load, limits, rows }, null, 2));
  else
    console.log(
      `all-reduces at ${values.mbit} Mbit/s and ${values.delay} ms one way, ${values.idle} ms between them; all hosts on ${machine()}, load ${load}`,
    );
  // What delays packets would keep it.
  process.exit(0);
}

async function measure(
  setting: Setting,
  network: Hosts,
  limits: NetworkLimits,
  numRounds: number,
): Promise<Measured> {
  const { model, dtype, numWorkers } = setting;
  const config = resolveModelConfig(modelSectionSchema.parse({ size: model }), vocabSize);
  const mb = ((countParameters(config).preTraining + numExact) * 4) / 1e6;
  const cluster = await startBerth({ numWorkers, mb, dtype }, undefined, network.hosts);
  const shape = { dtype, length: vectorLengthOf(mb), numExact };
  const traffic = trafficOf(cluster.view, shape);
  await cluster.rounds(numWarmUp);
  const timesMs: number[] = [];
  const cpuMs: number[] = [];
  for (let round = 0; round < numRounds; round++) {
    await sleep(numberOf('idle'));
    const before = cluster.cpuMs();
    timesMs.push(...(await cluster.rounds(1)));
    cpuMs.push(cluster.cpuMs() - before);
  }
  cluster.stop();
  return {
    ...setting,
    gradientBytes: mb * 1e6,
    sentBytes: Math.max(...traffic.map(({ sent }) => sent.reduceScatter + sent.allGather)),
    boundMs: lowestMs(traffic, limits),
    ms: summarize(timesMs),
    cpuMs: summarize(cpuMs),
  };
}

function lineOf({ model, dtype, numWorkers, sentBytes, boundMs, ms, cpuMs }: Measured): string {
  const measured = `${ms.median.toFixed(0)} ms (${ms.low.toFixed(0)} to ${ms.high.toFixed(0)})`;
  const share = `${((100 * boundMs) / ms.median).toFixed(0)} %`;
  return [
    `${model} ${dtype} over ${numWorkers}: ${measured}`,
    `at best ${boundMs.toFixed(0)} ms, ${share} of it`,
    `a member sends ${(sentBytes / 1e6).toFixed(1)} MB`,
    `processors ${cpuMs.median.toFixed(0)} ms in all`,
  ].join('; ');
}

function keepWindow(host: Host): void {
  const set = 'echo 0 > /proc/sys/net/ipv4/tcp_slow_start_after_idle';
  execFileSync(...host.command('sh', ['-c', set]));
}

function numberOf(option: 'mbit' | 'delay' | 'idle'): number {
  const value = Number(values[option]);
  if (value > 0 || (value === 0 && option !== 'mbit')) return value;
  throw new RangeError(`--${option} is a positive number, not ${values[option]}`);
}
