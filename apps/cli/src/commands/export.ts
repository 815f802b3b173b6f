import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createS3ObjectStore } from '@berth/checkpoint';
import { BerthError, s3FromEnvironment, type ObjectStore } from '@berth/contracts';
import {
  readHuggingFaceFolder,
  writeHuggingFaceFolder,
  type FolderLayout,
  type WrittenFolder,
} from '@berth/hugging-face';
import type { Context } from '../context.ts';
import { formatBytes, formatCount } from '../format.ts';
import { handOver, parseCheckpoint } from '../hand-over.ts';

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
  const { to } = options;
  const bucket = bucketOf(to);
  if (bucket === undefined) {
    const { name, written } = await writeFolder(context, what, to, options);
    report(context, options, name, written);
    return;
  }
  const s3 = s3FromEnvironment(context.env);
  if (s3 === undefined)
    throw new BerthError(
      'USAGE',
      `--to ${to}: name its server by AWS_ENDPOINT_URL_S3, or a bucket of AWS by BERTH_S3_BUCKET; a folder needs neither`,
    );
  const store = createS3ObjectStore({ ...s3, ...bucket }, context.logger);
  const folder = await mkdtemp(join(tmpdir(), 'berth-export-'));
  try {
    if (!options.force) await requireEmpty(store, to);
    const { name, written } = await writeFolder(context, what, folder, options);
    // config.json, without which nothing opens it, is the last.
    for (const file of written.files) await store.put(file, await readFile(join(folder, file)));
    report(context, options, name, { ...written, folder: to });
  } finally {
    store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeFolder(
  context: Context,
  what: string,
  folder: string,
  { step: asked, for: layout, force }: ExportCommandOptions,
): Promise<{ readonly name: string; readonly written: WrittenFolder }> {
  if (what.includes('/')) {
    if (asked !== undefined) throw new BerthError('USAGE', '--step is for runs only');
    const source = await readHuggingFaceFolder(what);
    const written = await writeHuggingFaceFolder(source, folder, { layout, force });
    return { name: what, written };
  }
  const { runId, step, result } = await handOver(
    context,
    parseCheckpoint(what, asked),
    layout,
    ({ source, card }) => writeHuggingFaceFolder(source, folder, { card, layout, force }),
  );
  return { name: `${runId}, step ${formatCount(step)},`, written: result };
}

/** @throws BerthError `USAGE` when it begins like a place in a bucket and is none */
function bucketOf(to: string): { readonly bucket: string; readonly prefix: string } | undefined {
  if (!to.startsWith('s3:')) return undefined;
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(.+?)\/?$/.exec(to) ?? [];
  if (bucket !== undefined && prefix !== undefined) return { bucket, prefix };
  throw new BerthError('USAGE', `--to ${to}: write it as s3://BUCKET/PREFIX`);
}

async function requireEmpty(store: ObjectStore, to: string): Promise<void> {
  const [first] = await store.list('');
  if (first !== undefined)
    throw new BerthError(
      'CHECKPOINT_EXISTS',
      `${to} is not empty (it holds ${first.key}): name another place, or write over files of the same names with --force`,
    );
}

function report(
  context: Context,
  { json, for: layout }: ExportCommandOptions,
  what: string,
  written: WrittenFolder,
): void {
  const { folder, files, sizeBytes, sha256, architecture } = written;
  // Python reads folders only.
  const isCopied = folder.startsWith('s3:');
  const path = isCopied ? 'my-bert' : folder;
  const open =
    layout === 'sentence-transformers'
      ? `from sentence_transformers import SentenceTransformer; SentenceTransformer('${path}')`
      : `from transformers import ${architecture}; ${architecture}.from_pretrained('${path}')`;
  context.print(
    json
      ? JSON.stringify({ ...written, open })
      : [
          `${what} is in ${folder}`,
          `  size    ${formatBytes(sizeBytes)} in ${files.length} files`,
          `  sha256  ${sha256}  model.safetensors`,
          ...(isCopied ? [`  copy    aws s3 sync ${folder} ${path}`] : []),
          `  open    ${open}`,
        ].join('\n'),
  );
}
