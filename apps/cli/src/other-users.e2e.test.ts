import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { temporaryFolder, waitFor } from '@berth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster } from '@berth/launch';
import { childrenOf, spawnBerth } from './testing/berth-process.ts';
import { listeningPorts } from './testing/listening-ports.ts';

const attack = readFileSync(fileURLToPath(new URL('../test/attack.mjs', import.meta.url)), 'utf8');
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log('skipped: only root can try as another user');

interface Outcome {
  readonly what: string;
  readonly succeeded: boolean;
  readonly why?: string;
}

describe.skipIf(!isRoot)('to other users of the machine, a running cluster', () => {
  let folder: string;
  let facts: string;
  let up: ReturnType<typeof spawnBerth>;
  let said = '';

  beforeAll(async () => {
    const { path } = await temporaryFolder();
    chmodSync(path, 0o755);
    // Else all that follows would be closed by the place of the folder alone.
    execFileSync('test', ['-x', path], { uid: nobody, gid: nobody });
    // As one that was made before folders were closed to others.
    folder = join(path, '.berth');
    mkdirSync(folder, { mode: 0o755 });
    const secretFile = join(path, 'private.txt');
    writeFileSync(secretFile, 'hunter2 topsecret\n', { mode: 0o600 });
    up = spawnBerth(['up', '--workers', '1', '--port', '0'], folder);
    up.stderr?.on('data', (chunk) => (said += String(chunk)));
    const { coordinatorUrl, services, owner } = await waitFor(() => findCluster(folder), {
      what: 'the cluster',
    });
    const [worker] = childrenOf(owner.pid, 'worker');
    const [coordinator] = childrenOf(owner.pid, 'coordinator');
    const [redis] = childrenOf(owner.pid, 'redis');
    const pids = { up: owner.pid, worker, coordinator, redis };
    const ports = Object.values(pids).flatMap((pid) => listeningPorts(pid ?? 0));
    facts = JSON.stringify({
      folder,
      url: coordinatorUrl,
      store: services.s3.endpoint,
      pids,
      ports,
      secretFile,
    });
  }, 180_000);

  afterAll(async () => {
    const ended = once(up, 'exit');
    up.kill('SIGTERM');
    await ended;
  }, 60_000);

  async function tryAs(uid: number): Promise<Outcome[]> {
    const thief = spawn(process.execPath, ['--input-type=module', '-', facts], {
      uid,
      gid: uid,
      cwd: '/',
      env: {},
    });
    thief.stdin.end(attack);
    const [output, complaints] = await Promise.all([text(thief.stdout), text(thief.stderr)]);
    if (output === '') throw new Error(complaints);
    return JSON.parse(output) as Outcome[];
  }

  it('is closed: of more than 30 attempts none succeeds', async () => {
    const outcomes = await tryAs(nobody);
    expect(outcomes.length).toBeGreaterThanOrEqual(30);
    expect(outcomes.filter(({ succeeded }) => succeeded)).toEqual([]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(said).toContain(`${folder} was open to other users`);
  }, 60_000);

  it('is open to its own user, so that the attempts are real ones', async () => {
    const open = (await tryAs(0)).filter(({ succeeded }) => succeeded).map(({ what }) => what);
    expect(open).toEqual(
      expect.arrayContaining([
        'list the folder',
        'read the token',
        "read a worker's log",
        'read the environment of a worker',
        'ask Redis by its socket',
        'put a file into the folder',
      ]),
    );
  }, 60_000);
});
