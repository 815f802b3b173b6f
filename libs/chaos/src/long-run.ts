import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from '@berth/contracts';
import { loadConfig } from '@berth/launch';
import { RunWatch } from './run-watch.ts';
import { startTestbed, type Testbed } from './testbed.ts';

/** The very small model that chaos trains. */
export const chaosConfigFile = fileURLToPath(
  new URL('../../../configs/chaos.yaml', import.meta.url),
);

/** How benchmarks of whole clusters speak. */
export interface ChaosContext {
  readonly logger: Logger;
  /** For people. */
  readonly say: (message: string) => void;
  /** Prints a result. */
  readonly print: (text: string) => void;
}

export interface LongRun {
  readonly testbed: Testbed;
  readonly watch: RunWatch;
  /** Where processes log. */
  readonly folder: string;
}

const firstSteps = 10;

/** Starts a run of many steps on a testbed with a standby coordinator, and uses it once all its workers train. */
export async function withLongRun<T>(
  context: ChaosContext,
  {
    numWorkers,
    set,
    setsRedisClock = false,
  }: {
    readonly numWorkers: number;
    readonly set: readonly string[];
    readonly setsRedisClock?: boolean;
  },
  use: (run: LongRun) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  const settings = [`cluster.numWorkers=${numWorkers}`, 'train.checkpointEverySteps=100', ...set];
  const { config } = loadConfig(chaosConfigFile, settings);
  const testbed = await startTestbed({
    folder,
    numWorkers,
    numCoordinators: 2,
    numThreads: config.cluster.numThreads,
    setsRedisClock,
    logger: context.logger,
  });
  let watch: RunWatch | undefined;
  let used: T;
  try {
    await testbed.cluster.client.submit(config, 'trained');
    const watched = (watch = await RunWatch.open(testbed.services.redisUrl, config.name));
    const trains = (): boolean => watched.numCommitted >= firstSteps;
    await watch.until(trains, 'the first steps');
    used = await use({ testbed, watch, folder });
  } finally {
    await watch?.close();
    await testbed.close();
  }
  // After a failure, what its processes logged stays: the error says where.
  rmSync(folder, { recursive: true });
  return used;
}
