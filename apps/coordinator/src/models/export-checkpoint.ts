import { createS3ObjectStore, type S3ObjectStore } from '@berth/checkpoint';
import type { ExportSection, FolderLayout, Logger, ObjectStore, S3Place } from '@berth/contracts';
import {
  bucketPlace,
  requireEmpty,
  requireFree,
  writeHuggingFaceFolder,
  writeToStore,
  type WrittenFolder,
} from '@berth/hugging-face';
import type { WantedCheckpoint } from './find-checkpoint.ts';
import { handOver } from './hand-over.ts';

export interface ExportOptions {
  /** The bucket of the runs. */
  readonly store: ObjectStore;
  /** How it is reached; other buckets are by the same keys. */
  readonly s3: S3Place;
  readonly logger: Logger;
}

/** What is exported. */
export interface ExportRequest {
  readonly runId: string;
  readonly wanted: WantedCheckpoint;
  readonly layout: FolderLayout;
}

export interface Exported {
  readonly step: number;
  readonly written: WrittenFolder;
}

/**
 * Writes a checkpoint into the bucket of its run, beside which it lies and with which it goes; over what was written there of the
 * same step.
 * @throws as `handOver`
 */
export async function exportIntoBucket(
  options: ExportOptions,
  { runId, step, layout }: Omit<ExportRequest, 'wanted'> & { readonly step: number },
): Promise<Exported & { readonly place: string }> {
  const { bucket, prefix: root } = options.s3;
  const folders = [root, `runs/${runId}/exports/step-${String(step).padStart(9, '0')}/${layout}`];
  const prefix = folders
    .map((part) => part.replaceAll(/^\/+|\/+$/g, ''))
    .filter(Boolean)
    .join('/');
  const to = `s3://${bucket}/${prefix}`;
  const exported = await exportTo({ to, for: layout }, options, { runId, wanted: step });
  return { ...exported, place: to };
}

/** @throws BerthError `CHECKPOINT_EXISTS` when there is something at the place of an export */
export async function requireFreePlace(to: string, options: ExportOptions): Promise<void> {
  const bucket = bucketPlace(to);
  if (bucket === undefined) await requireFree(to);
  else await withBucket(bucket, options, (store) => requireEmpty(store));
}

/** Writes a checkpoint where a run file says, over files of the same names. @throws as `handOver` */
export async function exportTo(
  { to, for: layout }: ExportSection,
  options: ExportOptions,
  request: Omit<ExportRequest, 'layout'>,
): Promise<Exported> {
  const bucket = bucketPlace(to);
  if (bucket === undefined) return writeTo(to, options, { ...request, layout });
  return withBucket(bucket, options, (store) =>
    writeToStore(store, { force: true }, (folder) =>
      writeTo(folder, options, { ...request, layout }),
    ),
  );
}

async function withBucket<T>(
  bucket: NonNullable<ReturnType<typeof bucketPlace>>,
  { s3, logger }: ExportOptions,
  use: (store: S3ObjectStore) => Promise<T>,
): Promise<T> {
  const store = createS3ObjectStore({ ...s3, ...bucket }, logger);
  try {
    return await use(store);
  } finally {
    store.close();
  }
}

async function writeTo(
  folder: string,
  { store, logger }: ExportOptions,
  { runId: run, wanted, layout }: ExportRequest,
): Promise<Exported> {
  const { step, result: written } = await handOver(
    store,
    { run, wanted },
    { layout, logger },
    ({ source, card }) => writeHuggingFaceFolder(source, folder, { card, layout, force: true }),
  );
  return { step, written };
}
