import { createS3ObjectStore } from '@berth/checkpoint';
import {
  genesisHead,
  noRequests,
  parseRunConfig,
  silentLogger,
  type LedgerEntry,
  type ModelConfig,
  type ParameterSpec,
  type RunRecord,
  type View,
} from '@berth/contracts';
import { newAttempt } from '@berth/protocol';
import {
  createCheckpointSaver,
  Spool,
  type CheckpointSaver,
  type CheckpointSaverOptions,
  type PendingSave,
} from '@berth/training';

const memberId = 'bench';
const numerics = { tensorflow: '2', device: 'cpu', kernels: 'k', numThreads: 1 };
/** A store on the same busy disk and processors may be slow. */
const patience = { requestTimeoutMs: 120_000, deadlineMs: 120_000 };
const cursor = { epoch: 0, index: 0 };

/** The view of a member that trains alone. */
export const loneView: View = {
  runId: 'bench',
  fencingEpoch: 1,
  version: 1,
  fromStep: 0,
  members: [{ memberId, host: 'h', port: 1, blocks: [] }],
  mode: 'train',
  reason: 'bench',
};

function entryOf(step: number): LedgerEntry {
  return {
    step,
    from: cursor,
    to: cursor,
    numExamples: 1,
    gradientDigest: '0123456789abcdef',
    fencingEpoch: 1,
    viewVersion: 1,
    members: [memberId],
    sums: { loss: 0 },
    committedAtMs: 1,
    head: genesisHead,
  };
}

/** Redis as a lone member asks it, in memory. */
function madeUpCoordination(): Pick<CheckpointSaverOptions, 'ledger' | 'rendezvous'> {
  const values = new Map<string, Map<string, string>>();
  return {
    ledger: {
      vote: () => Promise.reject(new Error('nobody votes here')),
      numCommitted: async () => 1_000_000,
      entry: async (step) => entryOf(step),
      entries: async (from, to) =>
        Array.from({ length: to - from }, (_, index) => entryOf(from + index)),
    },
    rendezvous: {
      post: async (key, member, value) => void values.set(key, new Map([[member, value]])),
      read: async (key) => values.get(key) ?? new Map<string, string>(),
    },
  };
}

interface OpenedSaver {
  readonly saver: CheckpointSaver;
  /** Steps saved, oldest first. */
  readonly saved: readonly number[];
  readonly pending: () => PendingSave | undefined;
}

/** The saver that training uses, with a real bucket and a disk. */
export async function openSaver(
  { endpoint, spoolFolder }: { readonly endpoint: string; readonly spoolFolder: string },
  { layout, model }: { readonly layout: readonly ParameterSpec[]; readonly model: ModelConfig },
): Promise<OpenedSaver> {
  const config = parseRunConfig({ name: 'bench', corpus: { path: 'none.txt' } }, 'bench');
  const place = { endpoint, region: 'us-east-1', bucket: 'bench' };
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
  const store = createS3ObjectStore({ ...place, ...credentials, ...patience }, silentLogger);
  await store.ensureBucket();
  const record: RunRecord = {
    runId: 'bench',
    config,
    trainingHash: 'bench',
    status: 'running',
    reason: '',
    error: null,
    goal: 'trained',
    createdAtMs: 0,
    updatedAtMs: 0,
    attempts: [newAttempt(1, 0, 0)],
    requests: noRequests,
    keptSteps: [],
    evaluations: [],
    manifestKey: null,
    exampleSetId: null,
    numerics,
  };
  const saved: number[] = [];
  let pending: PendingSave | undefined;
  const saver = createCheckpointSaver({
    ...madeUpCoordination(),
    store,
    layout,
    memberId,
    record,
    currentRecord: async () => record,
    model,
    datasetId: 'd',
    exampleSetId: 'e',
    numerics,
    onSaved: async ({ step }) => void saved.push(step),
    onDeleted: async () => undefined,
    onDiverged: () => undefined,
    onPending: (state) => (pending = state),
    spool: new Spool(spoolFolder, memberId),
    logger: silentLogger,
  });
  return { saver, saved, pending: () => pending };
}
