import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BerthError } from '@berth/contracts';
import type { Context } from '../context.ts';
import { makeFolder } from '@berth/launch';

export interface InitOptions {
  /** @defaultValue infra/compose of this checkout */
  readonly folder?: string;
  readonly force: boolean;
}

/**
 * `berth init`: makes the secrets of the compose cluster, readable by their owner only.
 * @throws BerthError `RUN_STATE_CONFLICT` when there are some and `force` is not set
 */
export function init(context: Context, options: InitOptions): void {
  const compose = fileURLToPath(new URL('../../../../infra/compose', import.meta.url));
  const folder = options.folder ?? compose;
  const file = join(folder, '.env');
  const apiToken = secret();
  makeFolder(folder, 'name another folder: --folder');
  try {
    writeSecrets(file, contents(apiToken), options.force);
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    const what = isThere
      ? `${file} is there already and was not changed; with --force it gets new secrets`
      : `${file} cannot be written: ${String(error)}; name another folder: --folder`;
    throw new BerthError(isThere ? 'RUN_STATE_CONFLICT' : 'CONFIG_INVALID', what, { cause: error });
  }
  const shown = (path: string): string => relative(process.cwd(), path);
  const elsewhere = options.folder === undefined ? '' : `--env-file ${shown(file)} `;
  context.say(`wrote ${file}`);
  context.say(`next: docker compose ${elsewhere}-f ${shown(join(compose, 'compose.yaml'))} up -d`);
  context.say(`then: http://127.0.0.1:7700/#token=${apiToken} is its dashboard`);
}

/** Secrets are never in a file that others may read, not even for a moment. */
function writeSecrets(file: string, text: string, replaces: boolean): void {
  if (!replaces) {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
    return;
  }
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, text, { mode: 0o600, flag: 'wx' });
  renameSync(`${file}.new`, file);
}

const secret = (): string => randomBytes(32).toString('hex');

function contents(apiToken: string): string {
  return [
    '# Secrets of the compose cluster, made by `berth init`. Keep them out of git.',
    `BERTH_S3_ACCESS_KEY=berth-${randomBytes(6).toString('hex')}`,
    `BERTH_S3_SECRET_KEY=${secret()}`,
    '# What workers prove to each other.',
    `BERTH_SECRET=${secret()}`,
    '# What whoever asks something over HTTP must show.',
    `BERTH_API_TOKEN=${apiToken}`,
    '',
    '# BERTH_PORT=7700                    of the dashboard and API, on loopback',
    '# BERTH_RUN=configs/demo.yaml        the run that starts by itself',
    '# BERTH_CONFIGS=../../configs        folder of run files',
    '# BERTH_CORPUS=../../corpus          folder of texts, seen as corpus beside configs',
    '',
  ].join('\n');
}
