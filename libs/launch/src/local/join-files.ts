import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError, environmentOfServices, type Services } from '@berth/contracts';

/** What those need who come from other machines. */
export interface ClusterDoors {
  readonly services: Services;
  /** What workers prove to each other. */
  readonly secret: string;
  readonly coordinatorUrl: string;
  readonly apiToken: string;
}

/** Variables of workers that join a cluster, and of whoever asks something of it. */
const joinFile = 'join.env';
const clientFile = 'client.env';

/** Leaves in a folder what workers of other machines are started with (`join.env`), and the command line (`client.env`). */
export function writeJoinFiles(folder: string, doors: ClusterDoors): void {
  const { services, secret, coordinatorUrl, apiToken } = doors;
  const named = environmentOfServices(services);
  writePrivate(
    join(folder, clientFile),
    variablesText({
      ...named,
      BERTH_COORDINATOR_URL: coordinatorUrl,
      BERTH_API_TOKEN: apiToken,
    }),
  );
  writePrivate(join(folder, joinFile), variablesText({ ...named, BERTH_SECRET: secret }));
}

export function removeJoinFiles(folder: string): void {
  for (const name of [joinFile, clientFile]) rmSync(join(folder, name), { force: true });
}

/**
 * Variables as lines that a shell and `--env` read alike.
 * @throws BerthError `CONFIG_INVALID` for a value with a quote or a line break, which they do not
 */
export function variablesText(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => {
    if (/['\r\n]/.test(value))
      throw new BerthError('CONFIG_INVALID', `${name} holds a quote or a line break; use another`);
    return `${name}='${value}'\n`;
  });
  return lines.join('');
}

/** Writes a file for its owner only; who looks finds all of it, or what was there before. */
export function writePrivate(file: string, text: string): void {
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, text, { mode: 0o600, flag: 'wx' });
  renameSync(`${file}.new`, file);
}
