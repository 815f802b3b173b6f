import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { homedir, tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { portTaken } from '@berth/contracts';
import { folderProblem } from '@berth/launch';
import { fail, ok, warn, type Finding } from './finding.ts';

const run = promisify(execFile);

/** The Node release is one that TensorFlow's addon is made for. */
export function checkNode(version: string): Finding {
  const packageFile = fileURLToPath(new URL('../../../../package.json', import.meta.url));
  const { engines } = JSON.parse(readFileSync(packageFile, 'utf8')) as {
    engines: { node: string };
  };
  return isInRange(version, engines.node)
    ? ok('node', version)
    : fail('node', `${version} is not in ${engines.node}; install Node 24: nvm install 24`);
}

/** @param range - such as `>=20.19 <27` */
export function isInRange(version: string, range: string): boolean {
  const [, fromMajor = 0, fromMinor = 0, endMajor = 0] = (
    /^>=(\d+)\.(\d+) <(\d+)$/.exec(range) ?? []
  ).map(Number);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (major > fromMajor || (major === fromMajor && minor >= fromMinor)) && major < endMajor;
}

/** The coordinator's port is free, or a coordinator has it. */
export async function checkPort(host: string, port: number): Promise<Finding> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    server.close();
    return ok('port', `${host}:${port} is free`);
  } catch (error) {
    const answers = await fetch(`http://${host}:${port}/readyz`, {
      signal: AbortSignal.timeout(2_000),
    }).then(
      (answer) => answer.ok,
      () => false,
    );
    return answers
      ? ok('port', `a coordinator answers at ${host}:${port}`)
      : fail('port', portTaken(host, port, error));
  }
}

const enoughBytes = 10e9;
const leastBytes = 2e9;

/** Room for checkpoints and spools, that can be written. @param folder - exists or will be made */
export async function checkDisk(folder: string): Promise<Finding> {
  const problem = folderProblem(folder);
  if (problem !== undefined)
    return fail('disk', `${problem}; set BERTH_FOLDER to a folder that can be`);
  const stats = await statfs(folder).catch(() => undefined);
  if (stats === undefined) {
    const parent = dirname(folder);
    return parent === folder ? fail('disk', `${folder} cannot be read`) : checkDisk(parent);
  }
  const freeBytes = stats.bavail * stats.bsize;
  const what = `${(freeBytes / 1e9).toFixed(1)} GB free at ${folder}`;
  if (freeBytes >= enoughBytes) return ok('disk', what);
  const fix = `${what}; free some: a checkpoint of BERT-base has 1.3 GB`;
  return freeBytes >= leastBytes ? warn('disk', fix) : fail('disk', fix);
}

/** Folders that the system names for temporary and for cached files; only what is wrong with them. */
export async function checkFolders(): Promise<Finding[]> {
  const temporary = tmpdir();
  const problem = existsSync(temporary) ? folderProblem(temporary) : `${temporary} is not there`;
  const findings =
    problem === undefined ? [] : [fail('TMPDIR', `${problem}; set TMPDIR to a folder that can be`)];
  const cache = folderProblem(join(homedir(), '.cache', 'berth'));
  return cache === undefined
    ? findings
    : [
        ...findings,
        warn('HOME', `${cache}; every start compiles anew: set HOME to a folder that can be`),
      ];
}

/** Compose is there and new enough for infra/compose. Only containers need it. */
export async function checkCompose(): Promise<Finding> {
  if (existsSync('/.dockerenv')) return ok('compose', 'this is a container');
  const fix = 'for containers only; install Docker Compose 2.20 or newer: docs.docker.com/compose';
  try {
    const { stdout } = await run('docker', ['compose', 'version', '--short'], { timeout: 10_000 });
    const version = stdout.trim().replace(/^v/, '');
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return major > 2 || (major === 2 && minor >= 20)
      ? ok('compose', version)
      : warn('compose', `${version} is old; ${fix}`);
  } catch {
    return warn('compose', `docker compose does not run; ${fix}`);
  }
}
