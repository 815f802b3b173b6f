import { join, resolve } from 'node:path';
import { entryOf, loadConfig, workerScript } from '@berth/launch';
import type { Context } from '../context.ts';

export interface LaunchSlurmOptions {
  readonly set: readonly string[];
  readonly workers?: number;
  readonly shared?: string;
  readonly partition?: string;
  readonly account?: string;
  readonly time?: string;
  readonly gpus: number;
  readonly cpus?: number;
  readonly memory?: string;
  readonly grace: number;
  readonly directive: readonly string[];
  readonly image?: string;
}

/** `berth launch slurm`: prints the script of a run's job array. */
export function launchSlurm(context: Context, file: string, options: LaunchSlurmOptions): void {
  const { config } = loadConfig(file, options.set);
  const { numThreads } = config.cluster;
  const numWorkers = options.workers ?? config.cluster.numWorkers;
  const sharedFolder = resolve(options.shared ?? join(context.folder, 'slurm', config.name));
  context.print(
    workerScript({
      runName: config.name,
      array: `0-${numWorkers - 1}`,
      sharedFolder,
      marker: config.name,
      command: ['node', entryOf('@berth/worker/main')],
      image: options.image,
      numThreads,
      graceMs: options.grace * 1000,
      headTimeoutMs: 600_000,
      resources: {
        partition: options.partition,
        account: options.account,
        timeLimit: options.time,
        numGpus: options.gpus,
        numCpus: options.cpus ?? numThreads,
        memory: options.memory,
        more: options.directive,
      },
    }),
  );
}
