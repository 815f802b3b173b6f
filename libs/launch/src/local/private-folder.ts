import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '@berth/contracts';

const othersMask = 0o077;
const sticky = 0o1000;

/**
 * Makes a folder that only its owner may enter, or closes to others one that is there already and says so.
 * @throws BerthError `CONFIG_INVALID` when it is there for others too, as `/tmp` is
 */
export function makePrivate(folder: string, say: (message: string) => void): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = statSync(folder);
  if ((mode & othersMask) === 0) return;
  const user = process.getuid?.() ?? uid;
  if ((mode & sticky) !== 0 || (user !== uid && user !== 0))
    throw new BerthError(
      'CONFIG_INVALID',
      `${folder} is open to other users of this machine, and not only yours to close; set BERTH_FOLDER to a folder of its own, ` +
        `such as ${join(folder, 'berth')}`,
    );
  chmodSync(folder, 0o700);
  say(`${folder} was open to other users of this machine; now only you may enter it`);
}
