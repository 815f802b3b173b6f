import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createS3ObjectStore } from '@berth/checkpoint';
import {
  BerthError,
  s3FromEnvironment,
  type Logger,
  type MetricsLine,
  type ObjectStore,
  type Services,
} from '@berth/contracts';
import { archivedLines } from '@berth/coordinator/archived-lines';
import {
  exportRun,
  listRuns,
  readHuggingFaceFolder,
  writeHuggingFaceFolder,
  type CardWriter,
  type FolderLayout,
  type ModelSource,
  type WrittenFolder,
} from '@berth/hugging-face';
import { chooseRun, noSuchRun } from '@berth/protocol';
import { withStore } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { formatBytes } from '../format.ts';

export interface ExportCommandOptions {
  readonly to: string;
  readonly step?: number;
  readonly for: FolderLayout;
  readonly force: boolean;
  readonly json: boolean;
}

/**
 * `berth export`: writes a run's checkpoint, or what a folder holds, as a folder that Hugging Face's libraries open.
 * @throws BerthError `RUN_NOT_FOUND`, `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_CORRUPT`, `CHECKPOINT_EXISTS` when the place is not
 * empty
 */
export async function exportModel(
  context: Context,
  what: string,
  options: ExportCommandOptions,
): Promise<void> {
  const { name, step } = parseWhat(what, options.step);
  if (what.includes('/')) {
    const source = await readHuggingFaceFolder(what);
    const place = s3FromEnvironment(context.env);
    report(
      context,
      options,
      what,
      await writeTo(source, undefined, options, { place, logger: context.logger }),
    );
    return;
  }
  await withStore(context, {}, async (store, place) => {
    const { logger } = context;
    const runIds = await listRuns(store);
    const runId = chooseRun(runIds, name);
    if (!runIds.includes(runId)) throw noSuchRun(runIds, name);
    const evaluations = await evaluationsOf(store, runId, logger);
    const exported = await exportRun(
      store,
      runId,
      { step, layout: options.for, evaluations, logger },
      (source, card) => writeTo(source, card, options, { place, logger }),
    );
    report(context, options, `${runId}, step ${exported.step},`, exported.result);
  });
}

/** Splits RUN@STEP. @throws BerthError `USAGE` */
function parseWhat(
  what: string,
  asked: number | undefined,
): { readonly name: string; readonly step: number | undefined } {
  const [name = '', step, ...others] = what.split('@');
  if (what.includes('/') || step === undefined) return { name: what, step: asked };
  if (others.length > 0 || !/^\d{1,9}$/.test(step) || asked !== undefined)
    throw new BerthError('USAGE', `${what}: write a run and one step, as my-run@400`);
  return { name, step: Number(step) };
}

interface Place {
  readonly place: Services['s3'] | undefined;
  readonly logger: Logger;
}

async function writeTo(
  source: ModelSource,
  card: CardWriter | undefined,
  { to, for: layout, force }: ExportCommandOptions,
  { place, logger }: Place,
): Promise<WrittenFolder> {
  const options = { ...(card && { card }), layout, force };
  const bucket = /^s3:\/\/([^/]+)\/(.+?)\/?$/.exec(to);
  if (bucket === null && to.startsWith('s3:'))
    throw new BerthError('USAGE', `--to ${to}: write it as s3://BUCKET/PREFIX`);
  if (bucket === null) return writeHuggingFaceFolder(source, to, options);
  if (place === undefined)
    throw new BerthError(
      'USAGE',
      `--to ${to}: set AWS_ENDPOINT_URL_S3, or BERTH_S3_BUCKET, and keys`,
    );
  const [, name = '', prefix = ''] = bucket;
  const store = createS3ObjectStore({ ...place, bucket: name, prefix }, logger);
  const staging = await mkdtemp(join(tmpdir(), 'berth-export-'));
  try {
    if (!force) await requireEmpty(store, to);
    const written = await writeHuggingFaceFolder(source, staging, options);
    // config.json, without which nothing opens it, is the last.
    for (const file of written.files) await store.put(file, await readFile(join(staging, file)));
    return { ...written, folder: to };
  } finally {
    store.close();
    await rm(staging, { recursive: true, force: true });
  }
}

async function requireEmpty(store: ObjectStore, to: string): Promise<void> {
  const [first] = await store.list('');
  if (first !== undefined)
    throw new BerthError(
      'CHECKPOINT_EXISTS',
      `${to} is not empty (it holds ${first.key}): name another place, or write over files of the same names with --force`,
    );
}

async function evaluationsOf(
  store: ObjectStore,
  runId: string,
  logger: Logger,
): Promise<MetricsLine[]> {
  const evaluations: MetricsLine[] = [];
  for await (const lines of archivedLines(store, runId, logger))
    evaluations.push(...lines.filter(({ kind }) => kind === 'eval'));
  return evaluations;
}

function report(
  context: Context,
  { json, for: layout }: ExportCommandOptions,
  what: string,
  written: WrittenFolder,
): void {
  const { folder, files, sizeBytes, sha256, architecture } = written;
  const open =
    layout === 'sentence-transformers'
      ? `from sentence_transformers import SentenceTransformer; SentenceTransformer('${folder}')`
      : `from transformers import ${architecture}; ${architecture}.from_pretrained('${folder}')`;
  context.print(
    json
      ? JSON.stringify({ ...written, open })
      : [
          `${what} is in ${folder}`,
          `  size    ${formatBytes(sizeBytes)} in ${files.length} files`,
          `  sha256  ${sha256}  model.safetensors`,
          `  open    ${open}`,
        ].join('\n'),
  );
}
