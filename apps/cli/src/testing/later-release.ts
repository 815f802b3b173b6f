import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const notRun = new Set(['src', 'test', 'node_modules']);

/** A release of berth on this machine, as its processes are started. */
export interface Release {
  readonly version: string;
  readonly entryOf: (app: 'coordinator' | 'worker') => string;
  readonly env: Readonly<Record<string, string>>;
}

/** What is built here. */
export const thisRelease: Release = {
  version: '0.1.0',
  entryOf: (app) => join(root, 'apps', app, 'bin', `${app}.js`),
  env: { NODE_OPTIONS: '' },
};

/**
 * Stands for a release to come: a copy of what is built here, of another version, which writes a key that no release knows into whatever
 * others read: heartbeats, views, records, events, votes, jobs, metrics, manifests, words between members, answers of HTTP.
 */
export async function laterRelease(folder: string): Promise<Release> {
  const version = '99.0.0';
  await mkdir(join(folder, 'node_modules', '@berth'), { recursive: true });
  for (const name of await readdir(join(root, 'node_modules')))
    if (name !== '@berth' && !name.startsWith('.'))
      await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  for (const group of ['libs', 'apps'])
    for (const name of await readdir(join(root, group))) await copyPackage(folder, group, name);
  await mkdir(join(folder, 'dist'));
  await writeFile(join(folder, 'dist', 'build.json'), '{"commit":"later"}');
  const words = join(folder, 'later-words.mjs');
  await writeFile(words, laterWords);

  async function copyPackage(to: string, group: string, name: string): Promise<void> {
    const [from, copy] = [join(root, group, name), join(to, group, name)];
    await cp(from, copy, { recursive: true, filter: (path) => !notRun.has(basename(path)) });
    const file = join(copy, 'package.json');
    const { version: _, ...rest } = JSON.parse(await readFile(file, 'utf8')) as object & {
      version: string;
    };
    await writeFile(file, JSON.stringify({ ...rest, version }));
    await symlink(copy, join(to, 'node_modules', '@berth', name));
  }
  return {
    version,
    entryOf: (app) => join(folder, 'apps', app, 'bin', `${app}.js`),
    env: { NODE_OPTIONS: `--import=${pathToFileURL(words).href}` },
  };
}

/** The key that a later release writes. */
export const laterKey = 'ofALaterRelease';

/** Loaded into each of its processes and threads. */
const laterWords = `
const { stringify } = JSON;
const has = (...keys) => (value) => keys.every((key) => Object.hasOwn(value, key));
const written = [
  has('memberId', 'numerics', 'startedAtMs'), // a heartbeat
  has('members', 'mode', 'fencingEpoch'), // a view
  has('trainingHash', 'attempts'), // a record
  has('kind', 'attempt', 'timeMs', 'text'), // an event
  has('gradientDigest', 'sums'), // an entry of the ledger
  has('kind', 'exampleSetId', 'shard', 'examples'), // a job
  has('kind', 'step', 'timeMs'), // a line of metrics
  has('weightsDigest', 'ledgerHead'), // a manifest
  has('kind', 'fencingEpoch', 'viewVersion'), // a word from member to member
  has('run', 'controls'), // an answer of HTTP
];
const isWritten = (value) =>
  typeof value === 'object' && value !== null && written.some((fits) => fits(value));
JSON.stringify = (value, ...rest) =>
  stringify(isWritten(value) ? { ...value, ${laterKey}: { a: [1] } } : value, ...rest);
`;
