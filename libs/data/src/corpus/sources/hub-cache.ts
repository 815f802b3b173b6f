import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '@berth/contracts';

const form = /^hf:\/\/datasets\/(?<owner>[\w.-]+)\/(?<name>[\w.-]+)(?:@(?<revision>[^/]+))?(?:\/(?<rest>.*))?$/s;

/** Whether a path names a dataset of the Hugging Face hub. */
export function isOfHub(path: string): boolean {
  return path.startsWith('hf://');
}

/**
 * Where what was downloaded of a dataset lies: hf://datasets/owner/name, with @revision behind the name, and a path or glob in it.
 * @param hubCache - as the hub's own tools lay it out
 * @throws BerthError DATA_CORPUS_INVALID for another form, DATA_CORPUS_NOT_FOUND for what was not downloaded
 */
export async function pathInHub(
  path: string,
  hubCache: string | undefined,
  setting: string,
): Promise<string> {
  const { owner, name, revision = 'main', rest = '' } = form.exec(path)?.groups ?? {};
  if (owner === undefined || name === undefined || /^\.+$/.test(revision))
    throw new BerthError(
      'DATA_CORPUS_INVALID',
      `${setting}: ${path} is no dataset: write hf://datasets/owner/name, with @revision and /folder behind it if you like`,
      { details: { path } },
    );
  const missing = new BerthError(
    'DATA_CORPUS_NOT_FOUND',
    `${setting}: ${path} is not among what was downloaded to ${hubCache ?? 'this machine'}: ` +
      `hf download --repo-type dataset ${owner}/${name}${revision === 'main' ? '' : ` --revision ${revision}`}`,
    { details: { path } },
  );
  if (hubCache === undefined) throw missing;
  const folder = join(hubCache, `datasets--${owner}--${name}`);
  const commit = await readFile(join(folder, 'refs', ...revision.split('%2F')), 'utf8').catch(() => revision);
  if (!/^[0-9a-f]{7,64}$/.test(commit.trim())) throw missing;
  return join(folder, 'snapshots', commit.trim(), rest);
}
