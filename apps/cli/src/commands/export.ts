import { createS3ObjectStore, modelOfName, openModel, readModel } from '@berth/checkpoint';
import {
  BerthError,
  runNamePattern,
  s3FromEnvironment,
  type FolderLayout,
  type ObjectStore,
} from '@berth/contracts';
import { handOver } from '@berth/coordinator/hand-over';
import {
  listRuns,
  readModelFolder,
  bucketPlace,
  sourceOf,
  writeHuggingFaceFolder,
  writeToStore,
  type CardWriter,
  type ModelSource,
  type WrittenFolder,
} from '@berth/hugging-face';
import { withStore } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { formatBytes, formatCount } from '../format.ts';
import { parseCheckpoint, withFolderHint } from '../models.ts';

/** What was written, and of what. */
interface Exported {
  readonly name: string;
  readonly written: WrittenFolder;
}

export interface ExportCommandOptions {
  readonly to: string;
  readonly step?: number;
  readonly for: FolderLayout;
  readonly force: boolean;
  readonly json: boolean;
}

/**
 * `berth export`: writes a run's checkpoint, an imported model, or what a folder holds, as a folder that Hugging Face's libraries open.
 * @throws BerthError `RUN_NOT_FOUND`, `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_CORRUPT`, `CHECKPOINT_EXISTS` when the place is not
 * empty
 */
export async function exportModel(
  context: Context,
  what: string,
  options: ExportCommandOptions,
): Promise<void> {
  const { to } = options;
  if (to === '')
    throw new BerthError(
      'USAGE',
      '--to is empty; name a folder, . for this one, or s3://BUCKET/PREFIX',
    );
  const bucket = bucketPlace(to);
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
  try {
    const { name, written } = await writeToStore(store, options, (folder) =>
      writeFolder(context, what, folder, options),
    );
    report(context, options, name, { ...written, folder: to });
  } finally {
    store.close();
  }
}

async function writeFolder(
  context: Context,
  what: string,
  folder: string,
  { step: asked, for: layout, force }: ExportCommandOptions,
): Promise<Exported> {
  const write = (source: ModelSource, card?: CardWriter): Promise<WrittenFolder> =>
    writeHuggingFaceFolder(source, folder, {
      layout,
      force,
      umask: context.umask,
      ...(card && { card }),
    });
  if (what.includes('/')) {
    if (asked !== undefined) throw new BerthError('USAGE', '--step is for runs only');
    return { name: what, written: await write(await readModelFolder(what)) };
  }
  const named = parseCheckpoint(what, asked);
  return withFolderHint([what], () =>
    withStore(context, {}, async (store) => {
      const model = named.wanted === 'newest' ? await importedModel(store, what) : undefined;
      if (model !== undefined) return { name: `model ${what}`, written: await write(model) };
      const { logger } = context;
      const { runId, step, result } = await handOver(
        store,
        named,
        { layout, logger },
        ({ source, card }) => write(source, card),
      );
      return { name: `${runId}, step ${formatCount(step)},`, written: result };
    }),
  );
}

/** The model that was imported under a name, unless a run has it. */
async function importedModel(store: ObjectStore, name: string): Promise<ModelSource | undefined> {
  if (!runNamePattern.test(name) || (await listRuns(store)).includes(name)) return undefined;
  const modelId = await modelOfName(store, name);
  if (modelId === undefined) return undefined;
  return sourceOf(await openModel(store, await readModel(store, modelId)));
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
