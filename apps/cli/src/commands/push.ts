import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BerthError, type FolderLayout } from '@berth/contracts';
import { handOver } from '@berth/coordinator/hand-over';
import {
  createModelRepo,
  pushFolder,
  writeHuggingFaceFolder,
  type HubPlace,
} from '@berth/hugging-face';
import { withStore } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { formatBytes, formatCount } from '../format.ts';
import { parseCheckpoint } from '../models.ts';

export interface PushOptions {
  readonly step?: number;
  readonly for: FolderLayout;
  readonly create: boolean;
  readonly json: boolean;
}

/**
 * `berth push`: commits a run's checkpoint to a model repository of the Hugging Face Hub, where it also stays as the revision of
 * its step.
 * @throws BerthError `USAGE` without a token, `STORE_*` for what the Hub refuses, and as `berth export`
 */
export async function push(
  context: Context,
  what: string,
  repo: string,
  options: PushOptions,
): Promise<void> {
  const place = placeOf(context, repo);
  if (options.create) await createModelRepo(place);
  const folder = await mkdtemp(join(tmpdir(), 'berth-push-'));
  try {
    const {
      runId,
      step,
      result: written,
    } = await withStore(context, {}, (store) =>
      handOver(
        store,
        parseCheckpoint(what, options.step),
        { layout: options.for, logger: context.logger },
        ({ source, card }) => writeHuggingFaceFolder(source, folder, { card, layout: options.for }),
      ),
    );
    context.say(`uploading ${formatBytes(written.sizeBytes)} to ${repo}`);
    const { commitUrl, revision } = await pushFolder(folder, written.files, place, {
      title: `${runId}, step ${step}`,
      revision: `step-${step}`,
    });
    const { sha256, architecture } = written;
    const open = `from transformers import ${architecture}; ${architecture}.from_pretrained('${repo}', revision='${revision}')`;
    context.print(
      options.json
        ? JSON.stringify({ runId, step, repo, commitUrl, revision, sha256, architecture, open })
        : [
            `${runId}, step ${formatCount(step)}, is in ${repo}, on main and as revision ${revision}`,
            `  commit  ${commitUrl}`,
            `  sha256  ${sha256}  model.safetensors`,
            `  open    ${open}`,
          ].join('\n'),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function placeOf({ env }: Context, repo: string): HubPlace {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repo))
    throw new BerthError('USAGE', `${repo} is no repository; write it as owner/name`);
  const token = env['HF_TOKEN'];
  const endpoint = env['HF_ENDPOINT'];
  if (!token)
    throw new BerthError(
      'USAGE',
      `HF_TOKEN is not set: put a token with write access there, from ${endpoint ?? 'https://huggingface.co'}/settings/tokens`,
    );
  if (!token.startsWith('hf_'))
    throw new BerthError('USAGE', 'HF_TOKEN holds no token of the Hub: those begin with hf_');
  return { repo, token, ...(endpoint ? { endpoint } : {}) };
}
