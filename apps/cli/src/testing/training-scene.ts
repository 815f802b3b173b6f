import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFinal, silentLogger, type RunConfig } from '@berth/contracts';
import { inspectLedger, type LedgerInspection } from '@berth/chaos';
import { expect } from 'vitest';
import { startCluster, type TestCluster } from './test-cluster.ts';
import { testWorkers, type TestWorkers } from './test-workers.ts';
import { tinyRun } from './tiny-run.ts';

export const numSteps = 40;
export const eager = { numSteps, checkpointEverySteps: 10 };
export const inPhases = { ...eager, numSteps: 20 };
export const phases = [
  { numSteps: 8, maxSeqLength: 16 },
  { numSteps: 6, maxSeqLength: 16, globalBatch: 16 },
  { numSteps: 6 },
];
export const compiledInBf16 = { ...eager, engine: 'graph', allReduceDtype: 'bf16' };

type Disturb = () => Promise<void>;

/** A cluster whose workers join one by one: it takes far longer to start one than a run takes to train. */
export interface TrainingScene {
  readonly cluster: TestCluster;
  readonly workers: TestWorkers;
  /** Trains a run to its end, with something done to it after some steps. */
  train(
    name: string,
    train: object,
    options?: {
      readonly disturb?: Disturb;
      readonly optimizer?: object;
      readonly phases?: RunConfig['phases'];
    },
  ): Promise<LedgerInspection>;
  /** Fine-tunes the run `e2e`'s model for labels that follow from the text. */
  fineTune(name: string, disturb?: Disturb): Promise<LedgerInspection>;
  stop(): Promise<void>;
}

export async function openTrainingScene(): Promise<TrainingScene> {
  const cluster = await startCluster({ numWorkers: 0 });
  const workers = testWorkers(cluster);

  async function trainAs(
    config: RunConfig,
    disturb: Disturb | undefined,
  ): Promise<LedgerInspection> {
    const { name } = config;
    await cluster.client.submit(config, 'trained');
    if (disturb !== undefined) {
      await cluster.until(name, 'some steps', ({ step }) => step >= 4);
      await disturb();
    }
    const { run } = await cluster.until(name, 'the end', ({ run }) => isFinal(run.status));
    expect(run).toMatchObject({ status: 'completed', error: null });
    return inspectLedger(cluster.services, name, silentLogger);
  }

  return {
    cluster,
    workers,
    train(name, train, { disturb, optimizer = {}, ...inParts } = {}) {
      const sections = { train: { ...train }, optimizer: { ...optimizer } };
      const tiny = tinyRun(name, { ...sections, cluster: { numWorkers: workers.count() } });
      return trainAs({ ...tiny, ...inParts }, disturb);
    },
    fineTune(name, disturb) {
      const file = join(cluster.folder, 'labelled.jsonl');
      const rows = Array.from({ length: 80 }, (_, row) =>
        JSON.stringify({
          remark: row % 2 === 0 ? `the people of state ${row}` : `${row} of our laws`,
          label: row % 2 === 0 ? 'people' : 'laws',
        }),
      );
      writeFileSync(file, rows.join('\n'));
      const config: unknown = {
        name,
        init: { from: 'e2e' },
        task: { kind: 'classify', train: file, columns: { text: 'remark' }, heldOutRatio: 0.3 },
        examples: { maxSeqLength: 16, numShards: 3 },
        optimizer: { learningRate: 0.005 },
        train: { engine: 'eager', globalBatch: 8, virtualRanks: 4 },
        cluster: { numWorkers: workers.count() },
      };
      return trainAs(config as RunConfig, disturb);
    },
    async stop() {
      await Promise.all([workers.stop(), cluster.stop()]);
    },
  };
}
