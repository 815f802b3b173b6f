import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SetupFailure } from './failure.mjs';

/**
 * The Node release and the platform that TensorFlow's wheels and the addon are made for.
 * @param {{ root: string }} folders
 * @returns {import('./step.mjs').Step}
 */
export function nodeStep({ root }) {
  return {
    name: 'node',
    isDone: async () => {
      const range = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).engines.node;
      requireNode(process.versions.node, range);
      process.report.excludeNetwork = true;
      requirePlatform(process.platform, process.arch, process.report.getReport().header);
      return process.versions.node;
    },
    missing: 'unsupported',
    doing: 'checking',
    perform: async () => {},
  };
}

/**
 * @param {string} version - such as `20.19.1`
 * @param {string} range - as in package.json: `>=20.19 <27`
 */
export function requireNode(version, range) {
  const [major, minor] = version.split('.').map(Number);
  const [, fromMajor, fromMinor, endMajor] = range.match(/^>=(\d+)\.(\d+) <(\d+)$/).map(Number);
  const isOld = major < fromMajor || (major === fromMajor && minor < fromMinor);
  if (!isOld && major < endMajor) return;
  throw new SetupFailure(
    `Node ${version} is not supported, ${range} is`,
    'install Node 24, for example: nvm install 24',
  );
}

/**
 * @param {string} platform
 * @param {string} arch
 * @param {{ glibcVersionRuntime?: string }} report
 */
export function requirePlatform(platform, arch, { glibcVersionRuntime }) {
  const where = `${platform} on ${arch}`;
  if (platform !== 'linux' || arch !== 'x64')
    throw new SetupFailure(`${where} is not supported`, 'use 64-bit Linux on x86, or a container');
  const minor = Number(glibcVersionRuntime?.split('.')[1] ?? 0);
  if (minor >= 27) return;
  throw new SetupFailure(
    `TensorFlow needs glibc 2.27, this system has ${glibcVersionRuntime ?? 'another C library'}`,
    'use Debian 10, Ubuntu 18.04 or newer, or a container of one of them',
  );
}
