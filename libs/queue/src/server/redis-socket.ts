import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { BerthError } from '@berth/contracts';

/** What fits the `sun_path` of Linux beside its closing zero. */
const maxPathBytes = 107;
const socketName = 'redis.sock';

/**
 * Where a Redis server that keeps its data in `folder` listens: a socket there or, when that path is too long for one, in a folder of
 * our own below `XDG_RUNTIME_DIR` or the temporary folder. Makes the folder, which only its owner may enter.
 * @throws BerthError `QUEUE_UNREACHABLE` when there is no place that nobody else may enter
 */
export async function placeOfSocket(
  folder: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const socket = join(folder, socketName);
  if (fits(socket)) return socket;
  const name = shortNameOf(folder);
  const places = [env['XDG_RUNTIME_DIR'], tmpdir(), '/tmp'].filter((place) => place !== undefined);
  const elsewhere = places
    .map((place) => join(place, name))
    .find((path) => fits(join(path, socketName)));
  if (elsewhere === undefined) throw noPlace(folder, 'every path for it is too long');
  await mkdir(elsewhere, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw noPlace(folder, error.message);
  });
  // Somebody else may have made it first.
  const found = await lstat(elsewhere);
  const isOurs = found.isDirectory() && found.uid === process.getuid?.();
  if (!isOurs) throw noPlace(folder, `${elsewhere} is not a folder of yours`);
  await chmod(elsewhere, 0o700);
  return join(elsewhere, socketName);
}

/** Removes the folder that `placeOfSocket` made for the socket, if it made one; for when the server has ended. */
export async function forgetPlaceOfSocket(folder: string, socket: string): Promise<void> {
  const place = dirname(socket);
  if (basename(place) === shortNameOf(folder)) await rmdir(place).catch(() => undefined);
}

function shortNameOf(folder: string): string {
  return `berth-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= maxPathBytes;
}

function noPlace(folder: string, why: string): BerthError {
  return new BerthError(
    'QUEUE_UNREACHABLE',
    `There is no place for the socket of the Redis server of ${folder}: ${why}; set BERTH_FOLDER to a folder with a shorter path`,
  );
}

/** The URL of a Redis server that listens on a Unix socket. */
export function socketUrl(path: string): string {
  return `unix://${path.split('/').map(encodeURIComponent).join('/')}`;
}
