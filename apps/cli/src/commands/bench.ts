import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BerthError } from '@berth/contracts';
import type { Context } from '../context.ts';

/** Benchmarks by name; each is a program of its own in the workspace `bench`. */
export const benchmarks = {
  step: 'step/step.js',
  start: 'start/start.js',
  'step-against-pytorch': 'peers/compare-step.js',
  allreduce: 'collectives/allreduce.js',
  handshake: 'collectives/handshake.js',
  network: 'network/network.js',
  overlap: 'network/overlap.js',
  healing: 'healing/healing.js',
  'allreduce-against-gloo': 'peers/compare-allreduce.js',
  bits: 'step/bits.js',
  'same-bits': 'step/same-bits.js',
  products: 'step/products.js',
  gpu: 'gpu/gpu.js',
  api: 'api/api.js',
  ledger: 'cluster/ledger.js',
  members: 'members/members.js',
  checkpoint: 'saving/checkpoint.js',
  data: 'data/data.js',
  'data-against-others': 'peers/compare-data.js',
  'data-wait': 'data/data-wait.js',
  'data-added': 'data/data-added.js',
} as const;

export type Benchmark = keyof typeof benchmarks;

/** Benchmarks of whole clusters, whose processes run what is built. */
export const clusterBenchmarks = {
  recovery: async () => (await import('@berth/chaos')).recovery,
  soak: async () => (await import('@berth/chaos')).soak,
  questions: async () => (await import('@berth/chaos')).questions,
} as const;

/** @throws BerthError `USAGE` for options that it does not have, and what the benchmark throws */
export async function benchClusters(
  name: keyof typeof clusterBenchmarks,
  context: Context,
  args: readonly string[],
): Promise<void> {
  const run = await clusterBenchmarks[name]();
  try {
    await run(context, args);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
    throw new BerthError('USAGE', `${message}; --help lists the options`, { cause: error });
  }
}

const folder = fileURLToPath(new URL('../../../../bench/dist/', import.meta.url));

/** `berth bench <name>`: runs a benchmark from a checkout, its output and exit code unchanged, and signals passed on. */
export async function bench(name: Benchmark, args: readonly string[]): Promise<void> {
  const program = `${folder}${benchmarks[name]}`;
  if (!existsSync(program))
    throw new BerthError(
      'USAGE',
      `Benchmarks run from a checkout of berth that is built; ${program} is not there`,
    );
  const first = ['--import', pathToFileURL(`${folder}before-a-benchmark.js`).href];
  const child = spawn(process.execPath, [...first, program, ...args], { stdio: 'inherit' });
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
}
