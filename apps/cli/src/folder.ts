import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { BerthError } from '@berth/contracts';

const name = '.berth';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where runs and embedded services have their data: the folder that BERTH_FOLDER names, else the nearest `.berth` from a
 * place upwards, as git finds its own, else one to be made there. Another user's folder is never taken: it names the
 * services that a run would be given to.
 */
export function findFolder(env: Environment, from: string): string {
  const named = env['BERTH_FOLDER'];
  if (named) return resolve(from, named);
  for (let place = resolve(from); ; place = dirname(place)) {
    const folder = join(place, name);
    if (isOwnFolder(folder)) return folder;
    if (place === dirname(place)) return join(resolve(from), name);
  }
}

/**
 * For commands about runs that exist already.
 * @throws BerthError `RUN_NOT_FOUND` when there is no folder, and so no run
 */
export function requireFolder({
  env,
  folder,
}: {
  readonly env: Environment;
  readonly folder: string;
}): void {
  if (existsSync(folder)) return;
  const where = env['BERTH_FOLDER']
    ? `BERTH_FOLDER names ${folder}, which is not there`
    : `There is no ${name} in ${dirname(folder)} or above`;
  throw new BerthError(
    'RUN_NOT_FOUND',
    `${where}, so there are no runs; go to the folder where they were started, or set ` +
      'BERTH_FOLDER or BERTH_COORDINATOR_URL',
  );
}

function isOwnFolder(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && (!process.getuid || found.uid === process.getuid());
}
