import { afterAll, beforeAll } from 'vitest';
import { badInput } from './testing/scenes/bad-input.ts';
import { readyDataset } from './testing/scenes/ready-dataset.ts';
import { startCluster, type TestCluster } from './testing/test-cluster.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startCluster({ numWorkers: 1 });
});

afterAll(() => cluster.stop());

// They share a cluster: to start one takes longer than most of them.
badInput(() => cluster);
readyDataset(() => cluster);
