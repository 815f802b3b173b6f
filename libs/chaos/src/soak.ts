import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectRedis } from '@berth/queue';
import type { ChaosContext } from './long-run.ts';
import { withLongRun, type LongRun } from './long-run.ts';
import { recoverFrom } from './recover-from.ts';
import { nearest } from './summary.ts';

const help = `Usage: npx berth bench soak [options]

Trains a very small model for many steps with a kill now and then, and samples memory and file descriptors.

  --steps N               default 3000
  --kill-every-seconds N  default 20
  --workers N             default 2
  --set KEY=VALUE         a setting of the run, such as train.engine=graph; may be repeated
  --json                  every sample`;

/** What is watched; of processes, those that were never killed. */
interface Sample {
  readonly atMs: number;
  readonly step: number;
  readonly redisBytes: number;
  readonly redisKeys: number;
  readonly processes: readonly ProcessSample[];
}

interface ProcessSample {
  readonly id: string;
  readonly rssBytes: number;
  readonly numFiles: number;
}

const sampleEveryMs = 1_000;
const times = { pauseMs: 3_000, redisOutageMs: 1_000, storeOutageMs: 10_000, storeStallMs: 30_000 };

/** `berth bench soak`: whether anything grows over thousands of steps and many kills. */
export async function soak(context: ChaosContext, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      steps: { type: 'string', default: '3000' },
      'kill-every-seconds': { type: 'string', default: '20' },
      workers: { type: 'string', default: '2' },
      set: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return context.print(help);
  const set = [`train.numSteps=${values.steps}`, ...values.set];
  const killEveryMs = 1000 * Number(values['kill-every-seconds']);
  const samples = await withLongRun(context, { numWorkers: Number(values.workers), set }, (run) =>
    sampleWhileKilling(context, run, killEveryMs),
  );
  if (values.json) return context.print(JSON.stringify({ samples }));
  context.print(describe(samples).join('\n'));
}

async function sampleWhileKilling(
  context: ChaosContext,
  { testbed, watch }: LongRun,
  killEveryMs: number,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const connection = await connectRedis(testbed.services.redisUrl, { role: 'producer' });
  const startMs = performance.now();
  const killing = (async (): Promise<void> => {
    // The first worker is never killed, so that it shows what an old process does.
    for (let nextMs = killEveryMs; !watch.isOver; nextMs += killEveryMs) {
      while (performance.now() - startMs < nextMs && !watch.isOver) await sleep(100);
      const fault = { kind: 'worker-kill', atStep: 0, target: 1 } as const;
      const report = await recoverFrom(fault, testbed, watch, times);
      if (report)
        context.say(`step ${report.atStep}: a worker was killed; ${report.recoveredMs} ms`);
    }
  })();
  try {
    while (!watch.isOver) {
      const [memory, keys] = await Promise.all([
        connection.call((client) => client.info('memory')),
        connection.call((client) => client.dbsize()),
      ]);
      samples.push({
        atMs: performance.now() - startMs,
        step: watch.numCommitted,
        redisBytes: Number(/used_memory:(\d+)/.exec(memory)?.[1]),
        redisKeys: keys,
        processes: [...testbed.cluster.coordinators(), ...testbed.cluster.workers()].flatMap(
          ({ id, pid }) => sampleProcess(id, pid),
        ),
      });
      await sleep(sampleEveryMs);
    }
    await killing;
  } finally {
    connection.close();
  }
  return samples;
}

/** From /proc; nothing for a process that has just ended. */
function sampleProcess(id: string, pid: number): ProcessSample[] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const rssBytes = 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
    return [{ id, rssBytes, numFiles: readdirSync(`/proc/${pid}/fd`).length }];
  } catch {
    return [];
  }
}

/** Medians of the second and of the last quarter: the first is warm-up. */
function describe(samples: readonly Sample[]): string[] {
  const quarter = Math.floor(samples.length / 4);
  const early = samples.slice(quarter, 2 * quarter);
  const late = samples.slice(-quarter);
  const lasting = (late.at(-1)?.processes ?? []).filter(({ id }) =>
    early[0]?.processes.some((process) => process.id === id),
  );
  const line = (name: string, of: (sample: Sample) => number | undefined, unit = 1): string => {
    const median = (part: readonly Sample[]): string =>
      (
        (nearest(
          part.flatMap((sample) => of(sample) ?? []).sort((a, b) => a - b),
          0.5,
        ) ?? NaN) / unit
      ).toFixed(unit === 1 ? 0 : 1);
    return `${name.padEnd(44)}${median(early).padStart(9)} -> ${median(late).padStart(9)}`;
  };
  const ofProcess = (id: string, key: 'rssBytes' | 'numFiles') => (sample: Sample) =>
    sample.processes.find((process) => process.id === id)?.[key];
  const mebi = 2 ** 20;
  return [
    `steps ${early[0]?.step} to ${late.at(-1)?.step}, medians of the second and of the last quarter`,
    line('Redis used_memory, MiB', ({ redisBytes }) => redisBytes, mebi),
    line('Redis keys', ({ redisKeys }) => redisKeys),
    ...lasting.flatMap(({ id }) => [
      line(`${id} RSS, MiB`, ofProcess(id, 'rssBytes'), mebi),
      line(`${id} file descriptors`, ofProcess(id, 'numFiles')),
    ]),
  ];
}
