import { manifestKey, shardKey, uploadLedgerSegment, writeManifest } from '@berth/checkpoint';
import {
  genesisHead,
  parseRunConfig,
  sha256Hex,
  silentLogger,
  type CheckpointManifest,
  type LedgerEntry,
  type LedgerSegment,
  type ObjectStore,
  type RunRecord,
  tasks,
  type StepSums,
} from '@berth/contracts';
import { nextHead } from '@berth/protocol';
import { runRecord } from '@berth/protocol/testing';

export const globalBatch = 8;
const numerics = { tensorflow: '2', device: 'cpu', kernels: 'avx2', numThreads: 1 };
const sums: StepSums = Object.fromEntries(tasks.pretraining.sums.map((name) => [name, 1]));

/** Ledger entries as a run would have made them in one view. */
export function entriesOf(
  numSteps: number,
  { fencingEpoch, viewVersion }: Pick<LedgerEntry, 'fencingEpoch' | 'viewVersion'>,
): LedgerEntry[] {
  let head: string = genesisHead;
  return Array.from({ length: numSteps }, (_, step) => {
    const facts = {
      step,
      from: { epoch: 0, index: step * globalBatch },
      to: { epoch: 0, index: (step + 1) * globalBatch },
      numExamples: globalBatch,
      gradientDigest: step.toString(16).padStart(16, '0'),
    };
    head = nextHead(head, facts);
    return {
      ...facts,
      sums,
      fencingEpoch,
      viewVersion,
      members: ['a'],
      committedAtMs: 1_700_000_000_000 + 1_000 * step,
      head,
    };
  });
}

/** Stores a checkpoint with a made-up part. @returns the key of its manifest */
export async function storeCheckpoint(
  store: ObjectStore,
  runId: string,
  entries: readonly LedgerEntry[],
  attempt = 1,
  stepsPerSegment = entries.length,
): Promise<string> {
  const step = entries.length;
  const last = entries.at(-1);
  const fencingEpoch = last?.fencingEpoch ?? 1;
  const line = { runId, attempt, fencingEpoch };
  const bytes = Buffer.from(`weights ${step}`);
  const facts = { kind: 'weights', index: 0, sha256: sha256Hex(bytes) } as const;
  const { sha256 } = facts;
  const shard = { ...facts, key: shardKey(line, step, facts), sizeBytes: bytes.byteLength };
  await store.put(shard.key, bytes);
  const ledger: LedgerSegment[] = [];
  for (let start = 0; start < step; start += stepsPerSegment) {
    const segment = entries.slice(start, start + stepsPerSegment);
    ledger.push(await uploadLedgerSegment(store, line, step, segment));
  }
  const manifest: CheckpointManifest = {
    format: 'berth-checkpoint/2',
    runId,
    step,
    cursor: last?.to ?? { epoch: 0, index: 0 },
    seed: 1,
    trainingHash: 'hash',
    datasetId: 'd',
    exampleSetId: 'e',
    numerics,
    fencingEpoch,
    ledgerHead: last?.head ?? genesisHead,
    ledger,
    weightsDigest: sha256,
    model: {},
    shards: [{ ...shard, tensors: [] }],
    createdAtMs: 1,
  };
  await writeManifest(store, attempt, manifest, silentLogger);
  return manifestKey(line, step);
}

export function recordOf(runId: string, change: Partial<RunRecord>): RunRecord {
  const config = parseRunConfig(
    { name: runId, corpus: { path: '/text' }, train: { globalBatch } },
    'test',
  );
  return runRecord(runId, { config, status: 'queued', numerics, ...change });
}
