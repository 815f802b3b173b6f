import { randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { allReduceDtypes, type View, type AllReduceDtype } from '@berth/contracts';
import type { Host } from '@berth/faults';
import { commonOptions, countOf, oneOf, text } from '../options.ts';
import { ownProgram, startProgram, type Program } from '../program.ts';
import { summarize, type Summary } from '../summary.ts';
import { benchView } from './bench-view.ts';

export interface AllReduceSetting {
  readonly numWorkers: number;
  /** Megabytes (10^6) of the fp32 vector: 440 is BERT base. */
  readonly mb: number;
  readonly dtype: AllReduceDtype;
  /** Whether members read each other's memory where they are on one machine. @defaultValue true */
  readonly sharesMemory?: boolean;
}

/** What one member process is started with. */
export interface MemberSetting {
  readonly memberId: string;
  /** Address that the others dial. */
  readonly host: string;
  readonly vectorLength: number;
  readonly dtype: AllReduceDtype;
  readonly sharesMemory: boolean;
}

/** Where a member runs. */
export type Place = Pick<Host, 'address' | 'command'>;

const loopback: Place = {
  address: '127.0.0.1',
  command: (program, args) => [program, [...args]],
};

/** Processes that sum a vector again and again. */
export interface AllReduceCluster {
  /** Milliseconds of each all-reduce: of its slowest member. */
  rounds(count: number): Promise<number[]>;
  stop(): void;
}

/** One that says what it costs. */
interface BerthCluster extends AllReduceCluster {
  readonly view: View;
  /** CPU time that all members have used so far. */
  cpuMs(): number;
}

/** Sums behind the gradient. */
export const numExact = 7;

const ownCheckout = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Starts one process per member, connected over TCP.
 * @param checkout - whose members
 * @param places - of the members, in their order; on loopback when left out
 */
export async function startBerth(
  { numWorkers, mb, dtype, sharesMemory = true }: AllReduceSetting,
  checkout = ownCheckout,
  places: readonly Place[] = [],
): Promise<BerthCluster> {
  const memberProgram = resolve(checkout, 'bench/dist/collectives/allreduce-member.js');
  const memberIds = Array.from({ length: numWorkers }, (_, index) => `member-${index}`);
  const vectorLength = vectorLengthOf(mb);
  const secret = randomBytes(32).toString('hex');
  const programs = memberIds.map((memberId, index) => {
    const { address, command } = places[index] ?? loopback;
    const member = { memberId, host: address, vectorLength, dtype, sharesMemory };
    const args = ownProgram(memberProgram, [JSON.stringify(member satisfies MemberSetting)]);
    return startProgram(...command(process.execPath, args), { BERTH_SECRET: secret });
  });
  const greetings = await askAll(programs);
  const numVirtualRanks = 2 ** Math.ceil(Math.log2(numWorkers));
  const view = benchView(memberIds, numVirtualRanks, greetings);
  await askAll(programs, JSON.stringify(view));
  let cpuMs = 0;
  return {
    view,
    async rounds(count) {
      const answers = await askAll(programs, String(count));
      cpuMs = answers.reduce((sum, answer) => sum + Number(answer['cpuMs']), 0);
      const digests = new Set(answers.map(({ digest }) => digest));
      if (digests.size !== 1) throw new Error(`members differ: ${[...digests].join(', ')}`);
      return slowest(answers.map(({ timesMs }) => timesMs as number[]));
    },
    cpuMs: () => cpuMs,
    stop: () => programs.forEach((program) => program.stop()),
  };
}

export function vectorLengthOf(mb: number): number {
  return Math.round((mb * 1e6) / Float32Array.BYTES_PER_ELEMENT);
}

/** Sends all the same line and waits for all answers. */
export function askAll(
  programs: readonly Program[],
  line?: string,
): Promise<Record<string, unknown>[]> {
  return Promise.all(programs.map((program) => program.ask(line)));
}

/** Of each round, the time of its slowest member. */
export function slowest(timesOfMembers: readonly (readonly number[])[]): number[] {
  const [first = []] = timesOfMembers;
  return first.map((_, round) => Math.max(...timesOfMembers.map((times) => times[round] ?? 0)));
}

/** GB/s of fp32 gradient that every member's network has to carry: 2 (N - 1) / N times its size. */
export function busGigabytesPerSecond({ numWorkers, mb }: AllReduceSetting, ms: number): number {
  return ((2 * (numWorkers - 1)) / numWorkers) * (mb / ms);
}

/** What decides the all-reduce that is measured, on a command line. */
export const allReduceOptions = {
  workers: text('2'),
  mb: text('440'),
  dtype: text('fp32'),
  sockets: { type: 'boolean', default: false },
} as const;

/** @throws RangeError that names the option */
export function allReduceSetting(
  values: Readonly<Record<'workers' | 'mb' | 'dtype', string>> & { readonly sockets: boolean },
): AllReduceSetting {
  const mb = Number(values.mb);
  if (!(mb > 0)) throw new RangeError(`--mb is a size in megabytes, not ${values.mb}`);
  return {
    numWorkers: countOf('workers', values.workers),
    mb,
    dtype: oneOf('dtype', values.dtype, allReduceDtypes),
    sharesMemory: !values.sockets,
  };
}

export function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}, Node ${process.version}`;
}

const help = `Usage: npx berth bench allreduce [options]

Sums a gradient over member processes on loopback, through the data plane that training uses.

  --workers N     processes (default 2)
  --mb N          megabytes of the fp32 vector (default 440: BERT base)
  --dtype D       fp32 or bf16 (default fp32)
  --sockets       members send each other everything, as those of several machines do
  --rounds N      measured rounds, after two that are not (default 10)
  --against PATH  another checkout, set up: both run in turns of a round each, and their times are compared
  --json          every figure`;

/** What the rounds of a cluster took, each one. */
interface Rounds {
  readonly timesMs: number[];
  readonly cpuMs: number[];
}

/** Rounds of clusters in turns, so that noise of the machine hits all. */
async function inTurns(clusters: readonly BerthCluster[], numRounds: number): Promise<Rounds[]> {
  const all = clusters.map((cluster): { cluster: BerthCluster; rounds: Rounds } => ({
    cluster,
    rounds: { timesMs: [], cpuMs: [] },
  }));
  for (let round = 0; round < numRounds; round++) {
    for (const { cluster, rounds } of round % 2 === 0 ? all : all.toReversed()) {
      const before = cluster.cpuMs();
      rounds.timesMs.push(...(await cluster.rounds(1)));
      rounds.cpuMs.push(cluster.cpuMs() - before);
    }
  }
  return all.map(({ rounds }) => rounds);
}

function ratioOf(times: readonly number[], others: readonly number[]): Summary {
  return summarize(times.map((time, round) => time / (others[round] ?? Number.NaN)));
}

function rangeOf({ median, low, high }: Summary): string {
  return `${median.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...allReduceOptions,
      rounds: text('10'),
      against: { type: 'string' },
      ...commonOptions,
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const setting = allReduceSetting(values);
  const checkouts = [ownCheckout, ...(values.against === undefined ? [] : [values.against])];
  const clusters = await Promise.all(checkouts.map((checkout) => startBerth(setting, checkout)));
  for (const cluster of clusters) await cluster.rounds(2);
  const [own, other] = await inTurns(clusters, Number(values.rounds));
  for (const cluster of clusters) cluster.stop();
  if (own === undefined) return;
  const ms: Summary = summarize(own.timesMs);
  const against = other && {
    ms: summarize(other.timesMs),
    ratio: ratioOf(own.timesMs, other.timesMs),
    ratioOfBest: Math.min(...own.timesMs) / Math.min(...other.timesMs),
    ratioOfCpu: ratioOf(own.cpuMs, other.cpuMs),
    ...other,
  };
  const report = {
    setting,
    machine: machine(),
    ms,
    busGigabytesPerSecond: busGigabytesPerSecond(setting, ms.median),
    ...own,
    against,
  };
  if (values.json) console.log(JSON.stringify(report, null, 2));
  else {
    console.log(
      `${setting.mb} MB ${setting.dtype} over ${setting.numWorkers} members, ${report.machine}`,
    );
    console.log(
      `${ms.median.toFixed(0)} ms (${ms.low.toFixed(0)} to ${ms.high.toFixed(0)}), bus ${report.busGigabytesPerSecond.toFixed(2)} GB/s`,
    );
    if (against !== undefined)
      console.log(
        `${rangeOf(against.ratio)} of the other's time, best to best ${against.ratioOfBest.toFixed(3)}; ${rangeOf(against.ratioOfCpu)} of its CPU time`,
      );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
