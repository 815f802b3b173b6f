import { createS3ObjectStore } from '@berth/checkpoint';
import {
  BerthError,
  silentLogger,
  type ObjectStore,
  type ParameterSpec,
  type RunRecord,
  type TrainingState,
  type View,
} from '@berth/contracts';
import { newAttempt } from '@berth/protocol';
import { runRecord, viewOf as viewOfMembers } from '@berth/protocol/testing';
import { startS3Server } from '@berth/s3-server';
import { temporaryFolder } from '@berth/testing';
import { onTestFinished } from 'vitest';
import { createCheckpointSaver, type CheckpointSaver } from '../checkpoint-saver.ts';
import type { PendingSave } from '../saving/saver-options.ts';
import type { Spool } from '../saving/spool.ts';
import { madeUpCoordination } from './made-up-coordination.ts';

const layout: readonly ParameterSpec[] = [
  { name: 'kernel', shape: [2, 3], offset: 0, size: 6, decayed: true },
];
const credentials = { accessKeyId: 'test', secretAccessKey: 'secret' };
const numerics = { tensorflow: '2', device: 'cpu', kernels: 'k', numThreads: 1 };
export const cursor = { epoch: 0, index: 0 };

export function viewOf(...memberIds: string[]): View {
  return viewOfMembers(memberIds, { runId: 'run', version: 1, fromStep: 0 });
}

/** Whose numbers are all that step. */
export function stateAt(step: number): TrainingState {
  const vector = (): Float32Array => new Float32Array(6).fill(step);
  return { step, weights: vector(), firstMoments: vector(), secondMoments: vector() };
}

/** The bucket of a real S3 server; uploads do what `gate` says first. */
export async function testStore(
  gate: { pass: () => Promise<void> } = { pass: () => Promise.resolve() },
): Promise<ObjectStore> {
  const { path } = await temporaryFolder();
  const server = await startS3Server({ folder: path, ...credentials });
  onTestFinished(() => server.close());
  const { endpoint } = server;
  const place = { endpoint, region: 'us-east-1', bucket: 'test', ...credentials };
  const store = createS3ObjectStore(place, silentLogger);
  await store.ensureBucket();
  return {
    ...store,
    async put(key, body, options) {
      await gate.pass();
      return store.put(key, body, options);
    },
  };
}

/** A bucket that is away until it is said to be back. */
export async function storeAway(): Promise<{ store: ObjectStore; comeBack: () => void }> {
  const refusal = new BerthError('STORE_UNREACHABLE', 'the bucket is away');
  const gate = { pass: (): Promise<void> => Promise.reject(refusal) };
  const store = await testStore(gate);
  return { store, comeBack: () => void (gate.pass = () => Promise.resolve()) };
}

/** A way that is barred until it is opened. */
export interface Gate {
  /** Resolves once it is open. */
  readonly pass: () => Promise<void>;
  readonly open: () => void;
  /** Resolves once somebody has come to it. */
  readonly reached: Promise<void>;
}

export function closedGate(): Gate {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  let reach = (): void => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const pass = (): Promise<void> => {
    reach();
    return opened;
  };
  return { pass, open: () => open(), reached };
}

/** The saver of a member of the run `run`; what it is told of is pushed to the lists given. */
export function saverOf(
  memberId: string,
  store: ObjectStore,
  {
    meeting = madeUpCoordination(),
    saved = [] as number[],
    tried = [] as (string | undefined)[],
    diverged = [] as BerthError[],
    current = (record: RunRecord): RunRecord | undefined => record,
    attempts = [newAttempt(1, 0, 0)],
    pending = [] as (PendingSave | undefined)[],
    spool = undefined as Spool | undefined,
    spoolAfterMs = 1,
  } = {},
): CheckpointSaver {
  const record = runRecord('run', { attempts, numerics });
  return createCheckpointSaver({
    ...meeting,
    store,
    layout,
    memberId,
    record,
    currentRecord: async () => current(record),
    model: { hiddenSize: 3 } as never,
    datasetId: 'd',
    exampleSetId: 'e',
    numerics,
    onSaved: async ({ step }) => void saved.push(step),
    onDeleted: async () => undefined,
    onDiverged: (_, error) => void diverged.push(error),
    onTried: (error) => void tried.push(error?.code),
    onPending: (state) => void pending.push(state),
    spool,
    spoolAfterMs,
    logger: silentLogger,
  });
}
