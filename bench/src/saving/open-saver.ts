import { createS3ObjectStore } from '@berth/checkpoint';
import { silentLogger, type ModelConfig, type ParameterSpec } from '@berth/contracts';
import { runRecord, viewOf } from '@berth/protocol/testing';
import {
  createCheckpointSaver,
  Spool,
  type CheckpointSaver,
  type PendingSave,
} from '@berth/training';
import { madeUpCoordination } from '@berth/training/testing';

const memberId = 'bench';
const numerics = { tensorflow: '2', device: 'cpu', kernels: 'k', numThreads: 1 };
/** A store on the same busy disk and processors may be slow. */
const patience = { requestTimeoutMs: 120_000, deadlineMs: 120_000 };

/** The view of a member that trains alone. */
export const loneView = viewOf([memberId], { runId: 'bench', version: 1, fromStep: 0 });

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
  const place = { endpoint, region: 'us-east-1', bucket: 'bench' };
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
  const store = createS3ObjectStore({ ...place, ...credentials, ...patience }, silentLogger);
  await store.ensureBucket();
  const record = runRecord('bench', { numerics });
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
